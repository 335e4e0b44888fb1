// A camera of V4L2 where the machine has none: preloaded, it stands behind a device node of the numbers of /dev/null.
//
// FAKE, and no proof that a driver is like it: it has the calls of the streaming interface (mmap), one format (YUYV) and two sizes, at 15 pictures
// a second, each of one colour. While the file FAKE_CAMERA_GONE exists it is unplugged. What its light was told it writes to FAKE_CAMERA_LIGHT.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/videodev2.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <time.h>
#include <unistd.h>

enum { MOST = 32, RATE = 15, SPACING = 8 * 1024 * 1024 };
static const struct { unsigned width, height; } sizes[] = {{320, 240}, {640, 480}};

static unsigned width = 640, height = 480, count, sequence;
static void *memory[MOST];
static unsigned queue[MOST], head, tail;
static struct timespec due;
static int light;

static int fail(int number) {
  errno = number;
  return -1;
}

static int is_camera(int fd) {
  struct stat node;
  return fstat(fd, &node) == 0 && S_ISCHR(node.st_mode) && node.st_rdev == makedev(1, 3);
}

static int is_gone(void) {
  const char *path = getenv("FAKE_CAMERA_GONE");
  return path && access(path, F_OK) == 0;
}

static void choose(struct v4l2_pix_format *format) {
  unsigned best = format->width <= sizes[0].width ? 0 : 1;
  *format = (struct v4l2_pix_format){
      .width = sizes[best].width, .height = sizes[best].height, .pixelformat = V4L2_PIX_FMT_YUYV, .field = V4L2_FIELD_NONE,
      .bytesperline = sizes[best].width * 2, .sizeimage = sizes[best].width * sizes[best].height * 2,
      .colorspace = V4L2_COLORSPACE_SRGB};
}

static void describe(struct v4l2_buffer *buffer, unsigned index) {
  buffer->index = index;
  buffer->memory = V4L2_MEMORY_MMAP;
  buffer->m.offset = index * SPACING;
  buffer->length = width * height * 2;
  buffer->field = V4L2_FIELD_NONE;
  buffer->flags = V4L2_BUF_FLAG_MAPPED | V4L2_BUF_FLAG_TIMESTAMP_MONOTONIC;
}

static int dequeue(struct v4l2_buffer *buffer) {
  if (head == tail) return fail(EAGAIN);
  clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &due, NULL);
  due.tv_nsec += 1000000000 / RATE;
  if (due.tv_nsec >= 1000000000) due.tv_nsec -= 1000000000, due.tv_sec++;
  if (is_gone()) return fail(ENODEV);
  unsigned index = queue[head++ % MOST];
  // BT.601 of a clear red.
  unsigned char *picture = memory[index];
  for (unsigned at = 0; picture && at < width * height * 2; at += 4) {
    picture[at] = picture[at + 2] = 81;
    picture[at + 1] = 90;
    picture[at + 3] = 240;
  }
  describe(buffer, index);
  buffer->flags |= V4L2_BUF_FLAG_DONE;
  buffer->bytesused = width * height * 2;
  buffer->sequence = sequence++;
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  buffer->timestamp = (struct timeval){now.tv_sec, now.tv_nsec / 1000};
  return 0;
}

static int set_light(struct v4l2_control *control) {
  if (control->id != V4L2_CID_FLASH_LED_MODE) return fail(EINVAL);
  light = control->value;
  const char *path = getenv("FAKE_CAMERA_LIGHT");
  FILE *file = path ? fopen(path, "w") : NULL;
  if (file) {
    fprintf(file, "%d\n", light);
    fclose(file);
  }
  return 0;
}

static int call(unsigned long request, void *argument) {
  if (is_gone()) return fail(ENODEV);
  switch (request) {
  case VIDIOC_QUERYCAP: {
    struct v4l2_capability *capability = argument;
    memset(capability, 0, sizeof *capability);
    strcpy((char *)capability->driver, "fake");
    strcpy((char *)capability->card, "A camera that is none");
    strcpy((char *)capability->bus_info, "nowhere");
    capability->version = 0x060000;
    capability->device_caps = V4L2_CAP_VIDEO_CAPTURE | V4L2_CAP_STREAMING | V4L2_CAP_EXT_PIX_FORMAT;
    capability->capabilities = capability->device_caps | V4L2_CAP_DEVICE_CAPS;
    return 0;
  }
  case VIDIOC_ENUM_FMT: {
    struct v4l2_fmtdesc *format = argument;
    if (format->index > 0 || format->type != V4L2_BUF_TYPE_VIDEO_CAPTURE) return fail(EINVAL);
    format->flags = 0;
    strcpy((char *)format->description, "YUYV 4:2:2");
    format->pixelformat = V4L2_PIX_FMT_YUYV;
    return 0;
  }
  case VIDIOC_ENUM_FRAMESIZES: {
    struct v4l2_frmsizeenum *size = argument;
    if (size->index >= sizeof sizes / sizeof *sizes || size->pixel_format != V4L2_PIX_FMT_YUYV) return fail(EINVAL);
    size->type = V4L2_FRMSIZE_TYPE_DISCRETE;
    size->discrete.width = sizes[size->index].width;
    size->discrete.height = sizes[size->index].height;
    return 0;
  }
  case VIDIOC_ENUM_FRAMEINTERVALS: {
    struct v4l2_frmivalenum *interval = argument;
    if (interval->index > 0) return fail(EINVAL);
    interval->type = V4L2_FRMIVAL_TYPE_DISCRETE;
    interval->discrete = (struct v4l2_fract){1, RATE};
    return 0;
  }
  case VIDIOC_G_FMT: {
    struct v4l2_format *format = argument;
    if (format->type != V4L2_BUF_TYPE_VIDEO_CAPTURE) return fail(EINVAL);
    format->fmt.pix.width = width;
    choose(&format->fmt.pix);
    return 0;
  }
  case VIDIOC_TRY_FMT:
  case VIDIOC_S_FMT: {
    struct v4l2_format *format = argument;
    if (format->type != V4L2_BUF_TYPE_VIDEO_CAPTURE) return fail(EINVAL);
    choose(&format->fmt.pix);
    if (request == VIDIOC_S_FMT) width = format->fmt.pix.width, height = format->fmt.pix.height;
    return 0;
  }
  case VIDIOC_G_PARM:
  case VIDIOC_S_PARM: {
    struct v4l2_streamparm *parameters = argument;
    if (parameters->type != V4L2_BUF_TYPE_VIDEO_CAPTURE) return fail(EINVAL);
    parameters->parm.capture.capability = V4L2_CAP_TIMEPERFRAME;
    parameters->parm.capture.timeperframe = (struct v4l2_fract){1, RATE};
    return 0;
  }
  case VIDIOC_REQBUFS: {
    struct v4l2_requestbuffers *wish = argument;
    if (wish->memory != V4L2_MEMORY_MMAP) return fail(EINVAL);
    if (wish->count > MOST) wish->count = MOST;
    count = wish->count;
    head = tail = 0;
    wish->capabilities = V4L2_BUF_CAP_SUPPORTS_MMAP;
    return 0;
  }
  case VIDIOC_QUERYBUF: {
    struct v4l2_buffer *buffer = argument;
    if (buffer->index >= count) return fail(EINVAL);
    describe(buffer, buffer->index);
    return 0;
  }
  case VIDIOC_QBUF: {
    struct v4l2_buffer *buffer = argument;
    if (buffer->index >= count) return fail(EINVAL);
    queue[tail++ % MOST] = buffer->index;
    describe(buffer, buffer->index);
    buffer->flags |= V4L2_BUF_FLAG_QUEUED;
    return 0;
  }
  case VIDIOC_DQBUF: return dequeue(argument);
  case VIDIOC_STREAMON: clock_gettime(CLOCK_MONOTONIC, &due); return 0;
  case VIDIOC_STREAMOFF: head = tail = 0; return 0;
  case VIDIOC_ENUMINPUT: {
    struct v4l2_input *input = argument;
    if (input->index > 0) return fail(EINVAL);
    memset(input, 0, sizeof *input);
    strcpy((char *)input->name, "lens");
    input->type = V4L2_INPUT_TYPE_CAMERA;
    return 0;
  }
  case VIDIOC_G_INPUT: *(int *)argument = 0; return 0;
  case VIDIOC_S_INPUT: return *(int *)argument == 0 ? 0 : fail(EINVAL);
  case VIDIOC_QUERYCTRL: {
    struct v4l2_queryctrl *query = argument;
    if (query->id != V4L2_CID_FLASH_LED_MODE) return fail(EINVAL);
    *query = (struct v4l2_queryctrl){
        .id = query->id, .type = V4L2_CTRL_TYPE_MENU, .name = "light", .maximum = V4L2_FLASH_LED_MODE_TORCH, .step = 1};
    return 0;
  }
  case VIDIOC_S_CTRL: return set_light(argument);
  default: return fail(ENOTTY);
  }
}

int ioctl(int fd, unsigned long request, ...) {
  static int (*next)(int, unsigned long, ...);
  if (!next) next = dlsym(RTLD_NEXT, "ioctl");
  va_list list;
  va_start(list, request);
  void *argument = va_arg(list, void *);
  va_end(list);
  request &= 0xFFFFFFFFul;
  return _IOC_TYPE(request) == 'V' && is_camera(fd) ? call(request, argument) : next(fd, request, argument);
}

void *mmap64(void *address, size_t length, int protection, int flags, int fd, off64_t offset) {
  static void *(*next)(void *, size_t, int, int, int, off64_t);
  if (!next) next = dlsym(RTLD_NEXT, "mmap64");
  if (fd < 0 || (flags & MAP_ANONYMOUS) || !(flags & MAP_SHARED) || !is_camera(fd)) return next(address, length, protection, flags, fd, offset);
  unsigned index = offset / SPACING;
  if (index >= count) return fail(EINVAL), MAP_FAILED;
  return memory[index] = next(NULL, length, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

void *mmap(void *address, size_t length, int protection, int flags, int fd, off_t offset) {
  return mmap64(address, length, protection, flags, fd, offset);
}
