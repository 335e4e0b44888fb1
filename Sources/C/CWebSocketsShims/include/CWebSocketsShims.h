#pragma once
#include <libwebsockets.h>
#include <sys/socket.h>

// What Swift cannot import from libwebsockets, OpenSSL and glibc: compound macros, enumerators that are macros, GNU extensions.

/// Context options: no virtual host of its own, OpenSSL initialised.
uint64_t viaduct_lws_context_options(void);

/// OpenSSL options of a server: TLS 1.2 and later, the server's order of ciphers, no renegotiation.
long viaduct_lws_server_tls_options(void);

/// OpenSSL options of a client: TLS 1.2 and later.
long viaduct_lws_client_tls_options(void);

/// Adopts an accepted socket as a raw connection; closes it and returns NULL when that fails.
struct lws *viaduct_lws_adopt_socket(struct lws_vhost *vhost, int descriptor, const char *protocol, void *opaque);

/// Adopts a listening socket as a raw descriptor of which only readiness is reported.
struct lws *viaduct_lws_adopt_listener(struct lws_vhost *vhost, int descriptor, const char *protocol, void *opaque);

/// A timer of libwebsockets that knows whom it is for.
struct viaduct_lws_timer {
    lws_sorted_usec_list_t entry;
    void *owner;
};

/// Calls `callback` on the loop's thread after `microseconds`; the timer must outlive that or be cancelled. Loop's thread only.
void viaduct_lws_timer_schedule(struct lws_context *context, struct viaduct_lws_timer *timer, int64_t microseconds, sul_cb_t callback);

/// Writes bytes as they are; what the system does not take now, libwebsockets keeps. Negative when the connection is lost. Loop's thread only.
int viaduct_lws_write_raw(struct lws *wsi, unsigned char *bytes, size_t count);

/// `accept4` with a descriptor that does not block and is closed on exec.
int viaduct_accept(int listener, struct sockaddr *address, socklen_t *length);

/// Names the calling thread, in 15 bytes at most, for debuggers and `top`.
void viaduct_name_thread(const char *name);
