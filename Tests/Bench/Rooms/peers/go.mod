module viaduct/rooms

go 1.19
