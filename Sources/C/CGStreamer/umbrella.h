#pragma once
#define GST_USE_UNSTABLE_API 1
#include <gst/gst.h>
#include <gst/app/gstappsink.h>
#include <gst/app/gstappsrc.h>
#include <gst/sdp/gstsdpmessage.h>
#include <gst/video/video-event.h>
#include <gst/webrtc/webrtc.h>
#include <gio/gio.h>
