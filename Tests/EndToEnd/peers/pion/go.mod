module viaduct/pion

go 1.19
