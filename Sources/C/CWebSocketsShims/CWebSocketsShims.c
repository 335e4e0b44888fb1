#define _GNU_SOURCE
#include "CWebSocketsShims.h"
#include <openssl/ssl.h>
#include <pthread.h>
#include <string.h>

uint64_t viaduct_lws_context_options(void) {
    return LWS_SERVER_OPTION_EXPLICIT_VHOSTS | LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT | LWS_SERVER_OPTION_NO_LWS_SYSTEM_STATES;
}

long viaduct_lws_client_tls_options(void) {
    return (long)(SSL_OP_NO_SSLv3 | SSL_OP_NO_TLSv1 | SSL_OP_NO_TLSv1_1);
}

long viaduct_lws_server_tls_options(void) {
    return viaduct_lws_client_tls_options() | (long)(SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_NO_RENEGOTIATION);
}

static struct lws *adopt(struct lws_vhost *vhost, lws_adoption_type type, int descriptor, const char *protocol, void *opaque) {
    lws_adopt_desc_t info;
    memset(&info, 0, sizeof(info));
    info.vh = vhost;
    info.type = type;
    info.fd.sockfd = descriptor;
    info.vh_prot_name = protocol;
    info.opaque = opaque;
    return lws_adopt_descriptor_vhost_via_info(&info);
}

struct lws *viaduct_lws_adopt_socket(struct lws_vhost *vhost, int descriptor, const char *protocol, void *opaque) {
    return adopt(vhost, (lws_adoption_type)(LWS_ADOPT_SOCKET | LWS_ADOPT_ALLOW_SSL), descriptor, protocol, opaque);
}

struct lws *viaduct_lws_adopt_listener(struct lws_vhost *vhost, int descriptor, const char *protocol, void *opaque) {
    return adopt(vhost, LWS_ADOPT_RAW_FILE_DESC, descriptor, protocol, opaque);
}

void viaduct_lws_timer_schedule(struct lws_context *context, struct viaduct_lws_timer *timer, int64_t microseconds, sul_cb_t callback) {
    lws_sul_schedule(context, 0, &timer->entry, callback, microseconds);
}

int viaduct_lws_write_raw(struct lws *wsi, unsigned char *bytes, size_t count) {
    return lws_write(wsi, bytes, count, LWS_WRITE_RAW);
}

int viaduct_accept(int listener, struct sockaddr *address, socklen_t *length) {
    return accept4(listener, address, length, SOCK_CLOEXEC | SOCK_NONBLOCK);
}

void viaduct_name_thread(const char *name) {
    pthread_setname_np(pthread_self(), name);
}
