#pragma once
#include "clinux_process.h"
#include "clinux_camera.h"
#include "clinux_media.h"
#include "clinux_udp.h"
