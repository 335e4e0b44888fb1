#include "CTLSClient.h"
#include <limits.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

static int expect_host(SSL *tls, const char *host) {
    X509_VERIFY_PARAM *rules = SSL_get0_param(tls);
    X509_VERIFY_PARAM_set_hostflags(rules, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    // A numeric address is compared with the certificate's addresses and not sent as a server name (RFC 6066, 3).
    if (X509_VERIFY_PARAM_set1_ip_asc(rules, host) == 1) return 1;
    return X509_VERIFY_PARAM_set1_host(rules, host, 0) == 1 && SSL_set_tlsext_host_name(tls, host) == 1;
}

static int attach_buffers(SSL *tls) {
    BIO *incoming = BIO_new(BIO_s_mem());
    BIO *outgoing = BIO_new(BIO_s_mem());
    if (!incoming || !outgoing) {
        BIO_free(incoming);
        BIO_free(outgoing);
        return 0;
    }
    SSL_set_bio(tls, incoming, outgoing);
    return 1;
}

struct ssl_st *viaduct_tls_open(const char *host, const char *authorities) {
    ERR_clear_error();
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());
    if (!context) return NULL;
    SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
    int trusts = authorities ? SSL_CTX_load_verify_file(context, authorities) : SSL_CTX_set_default_verify_paths(context);
    SSL *tls = trusts == 1 ? SSL_new(context) : NULL;
    // The connection holds its own reference.
    SSL_CTX_free(context);
    if (!tls) return NULL;
    if (!expect_host(tls, host) || !attach_buffers(tls)) {
        SSL_free(tls);
        return NULL;
    }
    SSL_set_connect_state(tls);
    return tls;
}

void viaduct_tls_free(struct ssl_st *tls) {
    SSL_free(tls);
}

static int reason(SSL *tls, int result) {
    switch (SSL_get_error(tls, result)) {
    case SSL_ERROR_WANT_READ:
    case SSL_ERROR_WANT_WRITE: return VIADUCT_TLS_NEEDS_MORE;
    case SSL_ERROR_ZERO_RETURN: return VIADUCT_TLS_CLOSED;
    default: return VIADUCT_TLS_FAILED;
    }
}

int viaduct_tls_shake_hands(struct ssl_st *tls) {
    ERR_clear_error();
    int result = SSL_do_handshake(tls);
    return result == 1 ? 1 : reason(tls, result);
}

int viaduct_tls_feed(struct ssl_st *tls, const void *bytes, size_t count) {
    return count <= INT_MAX && BIO_write(SSL_get_rbio(tls), bytes, (int)count) == (int)count;
}

size_t viaduct_tls_drain(struct ssl_st *tls, void *buffer, size_t capacity) {
    int count = BIO_read(SSL_get_wbio(tls), buffer, capacity > INT_MAX ? INT_MAX : (int)capacity);
    return count > 0 ? (size_t)count : 0;
}

int viaduct_tls_read(struct ssl_st *tls, void *buffer, size_t capacity) {
    ERR_clear_error();
    int count = SSL_read(tls, buffer, capacity > INT_MAX ? INT_MAX : (int)capacity);
    return count > 0 ? count : reason(tls, count);
}

int viaduct_tls_write(struct ssl_st *tls, const void *bytes, size_t count) {
    ERR_clear_error();
    // A memory BIO takes everything, so a write is never partial.
    return count == 0 || (count <= INT_MAX && SSL_write(tls, bytes, (int)count) == (int)count);
}
