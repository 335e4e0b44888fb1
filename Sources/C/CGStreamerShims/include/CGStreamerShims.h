#pragma once

// What Swift cannot import from GStreamer: variadic calls, function-like macros and casts. No logic lives here.

#define GST_USE_UNSTABLE_API 1
#include <gst/app/gstappsink.h>
#include <gst/app/gstappsrc.h>
#include <gst/gst.h>
#include <gst/sdp/gstsdpmessage.h>
#include <gst/video/video-event.h>
#include <gst/webrtc/webrtc.h>

static inline gboolean vgst_has_property(gpointer object, const gchar *name) {
  return g_object_class_find_property(G_OBJECT_GET_CLASS(object), name) != NULL;
}

// NULL when there is no such property, it cannot become text, or it is NULL. The caller frees with g_free.
static inline gchar *vgst_get_string(gpointer object, const gchar *name) {
  if (!vgst_has_property(object, name)) return NULL;
  GValue value = G_VALUE_INIT;
  g_value_init(&value, G_TYPE_STRING);
  g_object_get_property(G_OBJECT(object), name, &value);
  gchar *text = g_value_dup_string(&value);
  g_value_unset(&value);
  return text;
}

static inline gboolean vgst_get_uint64(gpointer object, const gchar *name, guint64 *result) {
  if (!vgst_has_property(object, name)) return FALSE;
  GValue value = G_VALUE_INIT;
  g_value_init(&value, G_TYPE_UINT64);
  g_object_get_property(G_OBJECT(object), name, &value);
  *result = g_value_get_uint64(&value);
  g_value_unset(&value);
  return TRUE;
}

static inline gboolean vgst_get_int64(gpointer object, const gchar *name, gint64 *result) {
  if (!vgst_has_property(object, name)) return FALSE;
  GValue value = G_VALUE_INIT;
  g_value_init(&value, G_TYPE_INT64);
  g_object_get_property(G_OBJECT(object), name, &value);
  *result = g_value_get_int64(&value);
  g_value_unset(&value);
  return TRUE;
}

// A new reference, or NULL.
static inline gpointer vgst_get_object(gpointer object, const gchar *name) {
  gpointer result = NULL;
  if (vgst_has_property(object, name)) g_object_get(object, name, &result, NULL);
  return result;
}

// A copy of a webrtcbin description property, or NULL; freed with gst_webrtc_session_description_free.
static inline GstWebRTCSessionDescription *vgst_get_description(gpointer webrtc, const gchar *name) {
  GstWebRTCSessionDescription *result = NULL;
  g_object_get(webrtc, name, &result, NULL);
  return result;
}

static inline void vgst_set_caps(gpointer object, const gchar *name, GstCaps *caps) { g_object_set(object, name, caps, NULL); }

static inline void vgst_emit_create(gpointer webrtc, const gchar *signal, GstPromise *promise) {
  g_signal_emit_by_name(webrtc, signal, NULL, promise);
}

static inline void vgst_emit_set_description(gpointer webrtc, const gchar *signal, GstWebRTCSessionDescription *description,
                                             GstPromise *promise) {
  g_signal_emit_by_name(webrtc, signal, description, promise);
}

static inline void vgst_emit_add_ice_candidate(gpointer webrtc, guint line, const gchar *candidate) {
  g_signal_emit_by_name(webrtc, "add-ice-candidate", line, candidate);
}

static inline gboolean vgst_emit_add_turn_server(gpointer webrtc, const gchar *uri) {
  gboolean accepted = FALSE;
  g_signal_emit_by_name(webrtc, "add-turn-server", uri, &accepted);
  return accepted;
}

static inline gboolean vgst_emit_add_local_address(gpointer ice, const gchar *address) {
  gboolean accepted = FALSE;
  g_signal_emit_by_name(ice, "add-local-ip-address", address, &accepted);
  return accepted;
}

// A new reference, or NULL.
static inline GstWebRTCRTPTransceiver *vgst_emit_add_transceiver(gpointer webrtc, GstWebRTCRTPTransceiverDirection direction,
                                                                 GstCaps *caps) {
  GstWebRTCRTPTransceiver *result = NULL;
  g_signal_emit_by_name(webrtc, "add-transceiver", direction, caps, &result);
  return result;
}

// The offer or answer of a create-offer or create-answer reply; a copy, or NULL.
static inline GstWebRTCSessionDescription *vgst_reply_description(const GstStructure *reply, const gchar *field) {
  GstWebRTCSessionDescription *result = NULL;
  if (reply) gst_structure_get(reply, field, GST_TYPE_WEBRTC_SESSION_DESCRIPTION, &result, NULL);
  return result;
}

// The text of the GError that a promise's reply carries, or NULL; freed with g_free.
static inline gchar *vgst_reply_error(const GstStructure *reply) {
  GError *error = NULL;
  if (!reply || !gst_structure_has_field(reply, "error")) return NULL;
  gst_structure_get(reply, "error", G_TYPE_ERROR, &error, NULL);
  if (!error) return NULL;
  gchar *text = g_strdup(error->message);
  g_error_free(error);
  return text;
}

static inline gboolean vgst_is_bin(gpointer object) { return GST_IS_BIN(object); }
static inline gboolean vgst_is_element(gpointer object) { return GST_IS_ELEMENT(object); }
static inline gboolean vgst_is_sample(gpointer object) { return GST_IS_SAMPLE(object); }
static inline void vgst_mini_object_unref(gpointer object) { gst_mini_object_unref(GST_MINI_OBJECT_CAST(object)); }

static inline GType vgst_element_factory_type(void) { return GST_TYPE_ELEMENT_FACTORY; }
static inline GType vgst_typefind_factory_type(void) { return GST_TYPE_TYPE_FIND_FACTORY; }
static inline GType vgst_device_provider_type(void) { return GST_TYPE_DEVICE_PROVIDER_FACTORY; }

static inline gboolean vgst_buffer_is_writable(GstBuffer *buffer) { return gst_buffer_is_writable(buffer); }

// When the newest datagram of any socket of the agent's first component was read, in microseconds of the wall clock (SIOCGSTAMP, socket(7));
// 0 before the second call on a socket that heard nothing since the first.
gint64 vgst_newest_datagram(gpointer agent);

// Has the agent's first stream forget its pairs and the peer's candidates, and go on with these credentials (RFC 8445 section 9).
void vgst_restart_ice(
    gpointer agent, const gchar *local_ufrag, const gchar *local_password, const gchar *remote_ufrag, const gchar *remote_password);
