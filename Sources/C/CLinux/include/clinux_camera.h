#pragma once

// Whether a V4L2 device has a flash LED with a torch mode: 0, or -errno of VIDIOC_QUERYCTRL.
int clinux_has_torch(int device);

// V4L2_CID_FLASH_LED_MODE of a V4L2 device: torch, or none. Returns 0 or -errno of VIDIOC_S_CTRL.
int clinux_set_torch(int device, int on);
