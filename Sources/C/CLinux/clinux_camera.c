#include "clinux_camera.h"
#include <errno.h>
#include <linux/videodev2.h>
#include <sys/ioctl.h>

int clinux_has_torch(int device) {
    struct v4l2_queryctrl query = {.id = V4L2_CID_FLASH_LED_MODE};
    if (ioctl(device, VIDIOC_QUERYCTRL, &query) < 0) return -errno;
    if (query.flags & V4L2_CTRL_FLAG_DISABLED) return -EINVAL;
    return query.maximum < V4L2_FLASH_LED_MODE_TORCH ? -EINVAL : 0;
}

int clinux_set_torch(int device, int on) {
    struct v4l2_control control = {.id = V4L2_CID_FLASH_LED_MODE};
    control.value = on ? V4L2_FLASH_LED_MODE_TORCH : V4L2_FLASH_LED_MODE_NONE;
    return ioctl(device, VIDIOC_S_CTRL, &control) < 0 ? -errno : 0;
}
