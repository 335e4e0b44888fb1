#define _GNU_SOURCE
#include "clinux_udp.h"
#include <arpa/inet.h>
#include <errno.h>
#include <linux/filter.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <netinet/udp.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#endif
#ifndef UDP_GRO
#define UDP_GRO 104
#endif

static const int on = 1;

// Addresses

static int is_mapped(const struct clinux_address *address) {
    struct in6_addr in6;
    memcpy(&in6, address, sizeof in6);
    return IN6_IS_ADDR_V4MAPPED(&in6);
}

static void set_mapped(struct clinux_address *address, struct in_addr in4) {
    uint8_t bytes[16] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF};
    memcpy(bytes + 12, &in4, sizeof in4);
    memcpy(address, bytes, sizeof bytes);
}

static socklen_t to_sockaddr(const struct clinux_address *address, int ipv6, struct sockaddr_in6 *out) {
    if (ipv6) {
        out->sin6_family = AF_INET6;
        out->sin6_port = htons(address->port);
        out->sin6_flowinfo = 0;
        memcpy(&out->sin6_addr, address, sizeof out->sin6_addr);
        out->sin6_scope_id = address->scope;
        return sizeof *out;
    }
    struct sockaddr_in *in4 = (struct sockaddr_in *)out;
    memset(in4, 0, sizeof *in4);
    in4->sin_family = AF_INET;
    in4->sin_port = htons(address->port);
    memcpy(&in4->sin_addr, (const char *)address + 12, sizeof in4->sin_addr);
    return sizeof *in4;
}

static void from_sockaddr(const struct sockaddr_in6 *in, struct clinux_address *address) {
    memset(address, 0, sizeof *address);
    if (in->sin6_family == AF_INET6) {
        memcpy(address, &in->sin6_addr, sizeof in->sin6_addr);
        address->scope = in->sin6_scope_id;
        address->port = ntohs(in->sin6_port);
    } else if (in->sin6_family == AF_INET) {
        const struct sockaddr_in *in4 = (const struct sockaddr_in *)in;
        set_mapped(address, in4->sin_addr);
        address->port = ntohs(in4->sin_port);
    }
}

static int is_any(const struct clinux_address *address) { return address->high == 0 && address->low == 0; }

int clinux_address_parse(const char *text, struct clinux_address *address) {
    struct in_addr in4;
    memset(address, 0, sizeof *address);
    if (inet_pton(AF_INET, text, &in4) == 1) {
        set_mapped(address, in4);
        return 0;
    }
    struct in6_addr in6;
    if (inet_pton(AF_INET6, text, &in6) != 1) return -EINVAL;
    memcpy(address, &in6, sizeof in6);
    return 0;
}

// Sockets

// Drops what did not come through the loopback interface, which is number 1 in every network namespace. What a machine sends to any address of its own
// comes that way (SO_BINDTODEVICE would not let it in).
static int keep_local(int descriptor) {
    struct sock_filter program[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, SKF_AD_OFF + SKF_AD_IFINDEX),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 1, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, 0xFFFFFFFF),
        BPF_STMT(BPF_RET | BPF_K, 0),
    };
    struct sock_fprog filter = {sizeof program / sizeof program[0], program};
    return setsockopt(descriptor, SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof filter);
}

// What a socket is bound with, besides its address.
struct binding {
    int type;
    int reuse_port;
    int only_local;
};

static int bound_socket(const struct clinux_address *address, struct binding binding, int *ipv6) {
    struct sockaddr_in6 name;
    *ipv6 = !is_mapped(address);
    int descriptor = socket(*ipv6 ? AF_INET6 : AF_INET, binding.type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (descriptor < 0) return -errno;
    int dual = *ipv6 && is_any(address) ? 0 : 1;
    if (*ipv6) setsockopt(descriptor, IPPROTO_IPV6, IPV6_V6ONLY, &dual, sizeof dual);
    if (binding.reuse_port) setsockopt(descriptor, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
    if (binding.type == SOCK_STREAM) setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    socklen_t length = to_sockaddr(address, *ipv6, &name);
    int is_ready = !binding.only_local || keep_local(descriptor) == 0;
    if (is_ready && bind(descriptor, (struct sockaddr *)&name, length) == 0) return descriptor;
    int number = errno;
    close(descriptor);
    return -number;
}

// The wildcard `::` falls back to 0.0.0.0 on a machine without IPv6.
static int bound_socket_or_ipv4(const struct clinux_address *address, struct binding binding, int *ipv6) {
    int descriptor = bound_socket(address, binding, ipv6);
    if ((descriptor != -EAFNOSUPPORT && descriptor != -EADDRNOTAVAIL) || !is_any(address)) return descriptor;
    struct clinux_address any = *address;
    struct in_addr zero = {0};
    set_mapped(&any, zero);
    return bound_socket(&any, binding, ipv6);
}

static int local_address(int descriptor, struct clinux_address *local) {
    struct sockaddr_in6 name;
    socklen_t length = sizeof name;
    if (getsockname(descriptor, (struct sockaddr *)&name, &length) < 0) return -errno;
    from_sockaddr(&name, local);
    return 0;
}

static int set_buffer(int descriptor, int force, int plain, int bytes) {
    if (bytes > 0 && setsockopt(descriptor, SOL_SOCKET, force, &bytes, sizeof bytes) < 0) {
        setsockopt(descriptor, SOL_SOCKET, plain, &bytes, sizeof bytes);
    }
    int granted = 0;
    socklen_t length = sizeof granted;
    return getsockopt(descriptor, SOL_SOCKET, plain, &granted, &length) < 0 ? 0 : granted;
}

static int probe_features(int descriptor, int ipv6, int coalesce, const struct clinux_address *local) {
    int zero = 0;
    int features = ipv6 ? CLINUX_UDP_IPV6 : 0;
    if (ipv6 && is_any(local)) features |= CLINUX_UDP_DUAL_STACK;
    if (setsockopt(descriptor, IPPROTO_UDP, UDP_SEGMENT, &zero, sizeof zero) == 0) features |= CLINUX_UDP_SEGMENT;
    if (coalesce && setsockopt(descriptor, IPPROTO_UDP, UDP_GRO, &on, sizeof on) == 0) features |= CLINUX_UDP_GRO;
    int level = ipv6 ? IPPROTO_IPV6 : IPPROTO_IP, option = ipv6 ? IPV6_RECVPKTINFO : IP_PKTINFO;
    if (setsockopt(descriptor, level, option, &on, sizeof on) == 0) features |= CLINUX_UDP_PKTINFO;
    return features;
}

int clinux_udp_open(const struct clinux_address *address, const struct clinux_udp_options *options, struct clinux_udp_facts *facts) {
    int ipv6 = 0;
    struct binding binding = {SOCK_DGRAM, options->reuse_port, options->only_local};
    int descriptor = bound_socket_or_ipv4(address, binding, &ipv6);
    if (descriptor < 0) return descriptor;
    int status = local_address(descriptor, &facts->local);
    if (status < 0) {
        close(descriptor);
        return status;
    }
    facts->receive_buffer = set_buffer(descriptor, SO_RCVBUFFORCE, SO_RCVBUF, options->receive_buffer);
    facts->send_buffer = set_buffer(descriptor, SO_SNDBUFFORCE, SO_SNDBUF, options->send_buffer);
    facts->features = probe_features(descriptor, ipv6, options->coalesce, &facts->local);
    return descriptor;
}

// Receiving

union control {
    struct cmsghdr alignment;
    char bytes[CMSG_SPACE(sizeof(struct in6_pktinfo)) + CMSG_SPACE(sizeof(int))];
};

static void read_control(struct msghdr *message, struct clinux_udp_received *received) {
    for (struct cmsghdr *header = CMSG_FIRSTHDR(message); header; header = CMSG_NXTHDR(message, header)) {
        if (header->cmsg_level == IPPROTO_UDP && header->cmsg_type == UDP_GRO) {
            int segment = 0;
            memcpy(&segment, CMSG_DATA(header), sizeof segment);
            if (segment > 0) received->segment = (uint32_t)segment;
        } else if (header->cmsg_level == IPPROTO_IPV6 && header->cmsg_type == IPV6_PKTINFO) {
            struct in6_pktinfo info;
            memcpy(&info, CMSG_DATA(header), sizeof info);
            memcpy(&received->local, &info.ipi6_addr, sizeof info.ipi6_addr);
            received->local.scope = IN6_IS_ADDR_LINKLOCAL(&info.ipi6_addr) ? info.ipi6_ifindex : 0;
        } else if (header->cmsg_level == IPPROTO_IP && header->cmsg_type == IP_PKTINFO) {
            struct in_pktinfo info;
            memcpy(&info, CMSG_DATA(header), sizeof info);
            set_mapped(&received->local, info.ipi_addr);
        }
    }
}

int clinux_udp_receive(int socket, void *slab, size_t slot, struct clinux_udp_received *received) {
    struct mmsghdr messages[CLINUX_UDP_BATCH];
    struct iovec parts[CLINUX_UDP_BATCH];
    struct sockaddr_in6 names[CLINUX_UDP_BATCH];
    union control controls[CLINUX_UDP_BATCH];
    for (int index = 0; index < CLINUX_UDP_BATCH; index++) {
        parts[index] = (struct iovec){(char *)slab + (size_t)index * slot, slot};
        messages[index].msg_hdr = (struct msghdr){
            .msg_name = &names[index], .msg_namelen = sizeof names[index], .msg_iov = &parts[index], .msg_iovlen = 1,
            .msg_control = controls[index].bytes, .msg_controllen = sizeof controls[index].bytes};
    }
    int count = recvmmsg(socket, messages, CLINUX_UDP_BATCH, MSG_DONTWAIT, NULL);
    if (count < 0) return -errno;
    for (int index = 0; index < count; index++) {
        struct clinux_udp_received *one = &received[index];
        one->length = messages[index].msg_hdr.msg_flags & MSG_TRUNC ? 0 : messages[index].msg_len;
        one->segment = one->length;
        memset(&one->local, 0, sizeof one->local);
        from_sockaddr(&names[index], &one->remote);
        read_control(&messages[index].msg_hdr, one);
    }
    return count;
}

// Sending

static void *add_control(struct msghdr *message, int level, int type, size_t length) {
    struct cmsghdr *header = (struct cmsghdr *)((char *)message->msg_control + message->msg_controllen);
    header->cmsg_level = level;
    header->cmsg_type = type;
    header->cmsg_len = CMSG_LEN(length);
    message->msg_controllen += CMSG_SPACE(length);
    return CMSG_DATA(header);
}

static void add_source(struct msghdr *message, const struct clinux_address *local, int ipv6) {
    if (ipv6) {
        struct in6_pktinfo info = {.ipi6_ifindex = local->scope};
        memcpy(&info.ipi6_addr, local, sizeof info.ipi6_addr);
        memcpy(add_control(message, IPPROTO_IPV6, IPV6_PKTINFO, sizeof info), &info, sizeof info);
    } else {
        struct in_pktinfo info = {0};
        memcpy(&info.ipi_spec_dst, (const char *)local + 12, sizeof info.ipi_spec_dst);
        memcpy(add_control(message, IPPROTO_IP, IP_PKTINFO, sizeof info), &info, sizeof info);
    }
}

int clinux_udp_send(int socket, int features, const struct clinux_udp_message *messages, unsigned count) {
    struct mmsghdr out[CLINUX_UDP_SEND_BATCH];
    struct iovec parts[CLINUX_UDP_SEND_BATCH];
    struct sockaddr_in6 names[CLINUX_UDP_SEND_BATCH];
    union control controls[CLINUX_UDP_SEND_BATCH];
    int ipv6 = (features & CLINUX_UDP_IPV6) != 0;
    if (count > CLINUX_UDP_SEND_BATCH) count = CLINUX_UDP_SEND_BATCH;
    for (unsigned index = 0; index < count; index++) {
        const struct clinux_udp_message *one = &messages[index];
        struct msghdr *message = &out[index].msg_hdr;
        parts[index] = (struct iovec){(void *)one->bytes, one->length};
        *message = (struct msghdr){.msg_name = &names[index], .msg_iov = &parts[index], .msg_iovlen = 1, .msg_control = controls[index].bytes};
        message->msg_namelen = to_sockaddr(&one->remote, ipv6, &names[index]);
        if (!is_any(&one->local)) add_source(message, &one->local, ipv6);
        if (one->segment > 0 && one->segment < one->length) {
            uint16_t segment = (uint16_t)one->segment;
            memcpy(add_control(message, IPPROTO_UDP, UDP_SEGMENT, sizeof segment), &segment, sizeof segment);
        }
        if (message->msg_controllen == 0) message->msg_control = NULL;
    }
    int sent;
    do sent = sendmmsg(socket, out, count, MSG_DONTWAIT | MSG_NOSIGNAL);
    while (sent < 0 && errno == EINTR);
    return sent < 0 ? -errno : sent;
}

// TCP

int clinux_tcp_listen(const struct clinux_address *address, int backlog, int only_local, struct clinux_address *local) {
    int ipv6 = 0;
    int descriptor = bound_socket_or_ipv4(address, (struct binding){SOCK_STREAM, 0, only_local}, &ipv6);
    if (descriptor < 0) return descriptor;
    int status = listen(descriptor, backlog) < 0 ? -errno : local_address(descriptor, local);
    if (status == 0) return descriptor;
    close(descriptor);
    return status;
}

int clinux_tcp_accept(int listener, struct clinux_address *remote, struct clinux_address *local) {
    struct sockaddr_in6 name;
    socklen_t length = sizeof name;
    int descriptor = accept4(listener, (struct sockaddr *)&name, &length, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (descriptor < 0) return -errno;
    setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    from_sockaddr(&name, remote);
    int status = local_address(descriptor, local);
    if (status == 0) return descriptor;
    close(descriptor);
    return status;
}

int clinux_tcp_connect(const struct clinux_address *remote) {
    struct sockaddr_in6 name;
    int ipv6 = !is_mapped(remote);
    int descriptor = socket(ipv6 ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (descriptor < 0) return -errno;
    setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    socklen_t length = to_sockaddr(remote, ipv6, &name);
    if (connect(descriptor, (struct sockaddr *)&name, length) == 0 || errno == EINPROGRESS) return descriptor;
    int number = errno;
    close(descriptor);
    return -number;
}

ssize_t clinux_send_parts(int socket, const void *head, size_t head_length, const void *body, size_t body_length) {
    struct iovec parts[2] = {{(void *)head, head_length}, {(void *)body, body_length}};
    struct msghdr message = {.msg_iov = parts, .msg_iovlen = body_length > 0 ? 2 : 1};
    ssize_t sent;
    do sent = sendmsg(socket, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
    while (sent < 0 && errno == EINTR);
    return sent < 0 ? -errno : sent;
}
