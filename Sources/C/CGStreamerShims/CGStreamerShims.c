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

void vgst_restart_ice(
    gpointer agent, const gchar *local_ufrag, const gchar *local_password, const gchar *remote_ufrag, const gchar *remote_password) {
  NiceAgent *nice = NICE_AGENT(agent);
  // It makes credentials of its own, which nobody is told of.
  if (!nice_agent_restart_stream(nice, 1)) return;
  nice_agent_set_local_credentials(nice, 1, local_ufrag, local_password);
  nice_agent_set_remote_credentials(nice, 1, remote_ufrag, remote_password);
}
