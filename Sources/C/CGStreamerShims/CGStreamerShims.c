#include "CGStreamerShims.h"
#include <linux/sockios.h>
#include <nice/agent.h>
#include <sys/ioctl.h>
#include <sys/time.h>

gint64 vgst_newest_datagram(gpointer agent) {
  gint64 newest = 0;
  GPtrArray *sockets = nice_agent_get_sockets(NICE_AGENT(agent), 1, 1);
  if (!sockets) return 0;
  for (guint index = 0; index < sockets->len; index++) {
    struct timeval stamp;
    if (ioctl(g_socket_get_fd(g_ptr_array_index(sockets, index)), SIOCGSTAMP, &stamp) != 0) continue;
    gint64 microseconds = (gint64)stamp.tv_sec * G_USEC_PER_SEC + stamp.tv_usec;
    newest = MAX(newest, microseconds);
  }
  g_ptr_array_unref(sockets);
  return newest;
}
