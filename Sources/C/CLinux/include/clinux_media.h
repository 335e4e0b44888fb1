#pragma once
#include <stddef.h>
#include <stdint.h>

// eventfd(2), non-blocking and close-on-exec. Returns the descriptor or -errno.
int clinux_eventfd(void);

// epoll_create1(2), close-on-exec. Returns the descriptor or -errno.
int clinux_epoll_create(void);

// epoll_ctl(2): operation 1 adds, 2 removes, 3 changes; level-triggered. Returns 0 or -errno.
int clinux_epoll_control(int epoll, int operation, int descriptor, int readable, int writable, uint64_t token);

// One event of epoll_wait(2), without its packed layout.
struct clinux_epoll_event {
    uint64_t token;
    uint8_t readable;
    uint8_t writable;
    uint8_t closed;
};

enum { CLINUX_EPOLL_BATCH = 64 };

// epoll_wait(2) for at most CLINUX_EPOLL_BATCH events; a negative time waits for ever. Returns the number of events or -errno.
int clinux_epoll_wait(int epoll, struct clinux_epoll_event *events, int milliseconds);

enum { CLINUX_DATAGRAM_BATCH = 32 };

// recvmmsg(2), non-blocking, of at most CLINUX_DATAGRAM_BATCH datagrams: number n goes to `slab + n * slot`, its length to `lengths[n]`. A datagram that
// was longer than its slot has length 0. Returns the number of datagrams or -errno.
int clinux_receive_datagrams(int socket, void *slab, size_t slot, uint32_t *lengths);

// sendmsg(2) of two parts as one datagram, non-blocking, without SIGPIPE. Returns 0 or -errno.
int clinux_send_datagram(int socket, const void *head, size_t head_length, const void *body, size_t body_length);

// prctl(PR_SET_NAME) for the calling thread; longer names are cut to 15 bytes.
void clinux_name_thread(const char *name);

// How many cores the calling thread may run on (sched_getaffinity(2)); 0 when the kernel does not say, or has over 1,024.
int clinux_usable_cores(void);

// Bytes that malloc(3) has given out (mallinfo2), mapped blocks among them.
size_t clinux_heap_bytes(void);

// Gives the pages back to the system in which nothing that malloc(3) has given out is left (malloc_trim), of all arenas.
void clinux_trim_heap(void);

// sched_setaffinity(2) of a thread (0: the calling one) to one processor. Returns 0 or -errno.
int clinux_pin_thread(int thread, int processor);
