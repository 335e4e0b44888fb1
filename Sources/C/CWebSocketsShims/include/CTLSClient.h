#pragma once
#include <stddef.h>

// A TLS client between buffers (OpenSSL with memory BIOs), because libwebsockets 4.1 begins TLS on raw client connections before they
// have a socket. Every call belongs on the thread of its connection.

struct ssl_st;

/// Why `viaduct_tls_read` has no bytes.
enum {
    VIADUCT_TLS_CLOSED = -2,
    VIADUCT_TLS_FAILED = -1,
    VIADUCT_TLS_NEEDS_MORE = 0,
};

/// A client that expects a certificate for `host`, a name or a numeric address, from the system's authorities or, when it is not NULL, from
/// those in the PEM file `authorities`. NULL when the file cannot be used. Freed with `viaduct_tls_free`.
struct ssl_st *viaduct_tls_open(const char *host, const char *authorities);

void viaduct_tls_free(struct ssl_st *tls);

/// Goes on with the handshake: 1 when it is done, 0 when it needs more of the peer's bytes, negative when it has failed.
int viaduct_tls_shake_hands(struct ssl_st *tls);

/// Takes bytes from the wire; false when there is no memory.
int viaduct_tls_feed(struct ssl_st *tls, const void *bytes, size_t count);

/// Gives bytes for the wire; 0 when there are none.
size_t viaduct_tls_drain(struct ssl_st *tls, void *buffer, size_t capacity);

/// Gives what the peer has said, or one of the reasons above.
int viaduct_tls_read(struct ssl_st *tls, void *buffer, size_t capacity);

/// Says something to the peer; false when the connection has failed.
int viaduct_tls_write(struct ssl_st *tls, const void *bytes, size_t count);
