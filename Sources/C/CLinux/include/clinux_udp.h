#pragma once
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

// An IP address and port. IPv4 is held as an IPv4-mapped IPv6 address (RFC 4291 section 2.5.5.2). `high` and `low` are the memory of the address's
// 16 bytes, `port` is in host order, `scope` the interface of a link-local address.
struct clinux_address {
    uint64_t high;
    uint64_t low;
    uint32_t scope;
    uint16_t port;
    uint16_t reserved;
};

// What a UDP socket of ours can do; see clinux_udp_open.
enum {
    CLINUX_UDP_SEGMENT = 1,    // UDP_SEGMENT (udp(7)): one send, many datagrams
    CLINUX_UDP_GRO = 2,        // UDP_GRO: one receive, many datagrams
    CLINUX_UDP_PKTINFO = 4,    // the local address of each datagram is known
    CLINUX_UDP_DUAL_STACK = 8, // an AF_INET6 socket that also takes IPv4
    CLINUX_UDP_IPV6 = 16,      // an AF_INET6 socket
};

struct clinux_udp_options {
    int receive_buffer;
    int send_buffer;
    int reuse_port;
    int coalesce;   // UDP_GRO
    int only_local; // take nothing from other machines
};

// What the kernel granted: buffers in bytes as SO_RCVBUF and SO_SNDBUF report them, features as above.
struct clinux_udp_facts {
    struct clinux_address local;
    int receive_buffer;
    int send_buffer;
    int features;
};

// A non-blocking, close-on-exec UDP socket bound to `address`. The address `::` takes IPv6 and IPv4; where the machine has no IPv6 it becomes 0.0.0.0.
// SO_RCVBUFFORCE is tried first, then SO_RCVBUF. Returns the descriptor or -errno.
int clinux_udp_open(const struct clinux_address *address, const struct clinux_udp_options *options, struct clinux_udp_facts *facts);

enum { CLINUX_UDP_BATCH = 32 };

// One receive: `length` bytes at slot n of the slab, a datagram each `segment` bytes, the last may be shorter (`segment` equals `length` for a single one).
struct clinux_udp_received {
    struct clinux_address remote;
    struct clinux_address local;
    uint32_t length;
    uint32_t segment;
};

// recvmmsg(2), non-blocking, of at most CLINUX_UDP_BATCH messages into slots of `slot` bytes. A message that was cut has length 0.
// `local.port` is not set. Returns the number of messages or -errno.
int clinux_udp_receive(int socket, void *slab, size_t slot, struct clinux_udp_received *received);

// One send: `length` bytes, as datagrams of `segment` bytes each with a shorter last one; 0 or `length` for a single datagram. `local` with address zero leaves
// the choice of the source address to the kernel.
struct clinux_udp_message {
    const void *bytes;
    uint32_t length;
    uint32_t segment;
    struct clinux_address remote;
    struct clinux_address local;
};

enum { CLINUX_UDP_SEND_BATCH = 64 };

// sendmmsg(2), non-blocking, without SIGPIPE, of at most CLINUX_UDP_SEND_BATCH messages through a socket with these features.
// Returns the number of messages sent, or -errno when the first one failed.
int clinux_udp_send(int socket, int features, const struct clinux_udp_message *messages, unsigned count);

// A non-blocking, close-on-exec TCP listener on `address` (as for clinux_udp_open), or one that only this machine's own connections reach. Returns the
// descriptor or -errno; fills `local`.
int clinux_tcp_listen(const struct clinux_address *address, int backlog, int only_local, struct clinux_address *local);

// accept4(2), non-blocking and close-on-exec, with TCP_NODELAY. Returns the descriptor or -errno; fills both addresses.
int clinux_tcp_accept(int listener, struct clinux_address *remote, struct clinux_address *local);

// A non-blocking connection that is being made (for tests and our load clients). Returns the descriptor or -errno.
int clinux_tcp_connect(const struct clinux_address *remote);

// sendmsg(2) of one or two parts to a stream, non-blocking, without SIGPIPE. Returns the bytes sent or -errno.
ssize_t clinux_send_parts(int socket, const void *head, size_t head_length, const void *body, size_t body_length);

// The address of an interface from its text, IPv4 or IPv6 without scope. Returns 0 or -EINVAL.
int clinux_address_parse(const char *text, struct clinux_address *address);
