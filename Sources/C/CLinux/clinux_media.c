#define _GNU_SOURCE
#include "clinux_media.h"
#include <errno.h>
#include <malloc.h>
#include <sched.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/uio.h>

int clinux_eventfd(void) {
    int descriptor = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    return descriptor < 0 ? -errno : descriptor;
}

int clinux_epoll_create(void) {
    int descriptor = epoll_create1(EPOLL_CLOEXEC);
    return descriptor < 0 ? -errno : descriptor;
}

int clinux_epoll_control(int epoll, int operation, int descriptor, int readable, int writable, uint64_t token) {
    struct epoll_event event = {0};
    event.events = (readable ? EPOLLIN : 0) | (writable ? EPOLLOUT : 0);
    event.data.u64 = token;
    return epoll_ctl(epoll, operation, descriptor, &event) < 0 ? -errno : 0;
}

int clinux_epoll_wait(int epoll, struct clinux_epoll_event *events, int milliseconds) {
    struct epoll_event ready[CLINUX_EPOLL_BATCH];
    int count = epoll_wait(epoll, ready, CLINUX_EPOLL_BATCH, milliseconds);
    if (count < 0) return -errno;
    for (int index = 0; index < count; index++) {
        events[index].token = ready[index].data.u64;
        events[index].readable = (ready[index].events & EPOLLIN) != 0;
        events[index].writable = (ready[index].events & EPOLLOUT) != 0;
        events[index].closed = (ready[index].events & (EPOLLHUP | EPOLLERR)) != 0;
    }
    return count;
}

int clinux_receive_datagrams(int socket, void *slab, size_t slot, uint32_t *lengths) {
    struct mmsghdr messages[CLINUX_DATAGRAM_BATCH];
    struct iovec parts[CLINUX_DATAGRAM_BATCH];
    memset(messages, 0, sizeof messages);
    for (int index = 0; index < CLINUX_DATAGRAM_BATCH; index++) {
        parts[index].iov_base = (char *)slab + (size_t)index * slot;
        parts[index].iov_len = slot;
        messages[index].msg_hdr.msg_iov = &parts[index];
        messages[index].msg_hdr.msg_iovlen = 1;
    }
    int count = recvmmsg(socket, messages, CLINUX_DATAGRAM_BATCH, MSG_DONTWAIT, NULL);
    if (count < 0) return -errno;
    for (int index = 0; index < count; index++) {
        int truncated = messages[index].msg_hdr.msg_flags & MSG_TRUNC;
        lengths[index] = truncated ? 0 : messages[index].msg_len;
    }
    return count;
}

int clinux_send_datagram(int socket, const void *head, size_t head_length, const void *body, size_t body_length) {
    struct iovec parts[2] = {{(void *)head, head_length}, {(void *)body, body_length}};
    struct msghdr message = {0};
    message.msg_iov = parts;
    message.msg_iovlen = body_length > 0 ? 2 : 1;
    ssize_t sent;
    do sent = sendmsg(socket, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
    while (sent < 0 && errno == EINTR);
    return sent < 0 ? -errno : 0;
}

void clinux_name_thread(const char *name) {
    prctl(PR_SET_NAME, name);
}

int clinux_usable_cores(void) {
    cpu_set_t cores;
    return sched_getaffinity(0, sizeof cores, &cores) == 0 ? CPU_COUNT(&cores) : 0;
}

size_t clinux_heap_bytes(void) {
    struct mallinfo2 facts = mallinfo2();
    return facts.uordblks + facts.hblkhd;
}

void clinux_trim_heap(void) {
    malloc_trim(0);
}

int clinux_pin_thread(int thread, int processor) {
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(processor, &set);
    return sched_setaffinity(thread, sizeof set, &set) < 0 ? -errno : 0;
}
