#pragma once
#include <stddef.h>
#include <sys/types.h>

// Sends one message with file descriptors as SCM_RIGHTS (unix(7)); never raises SIGPIPE, never blocks when `nonblocking`.
// Returns the bytes sent or -errno.
ssize_t clinux_send_with_descriptors(int socket, const void *bytes, size_t count, const int *descriptors, size_t descriptor_count, int nonblocking);

// Receives bytes and up to `capacity` descriptors, close-on-exec. Returns bytes, 0 at the end, or -errno. `*received` is the number of descriptors.
ssize_t clinux_receive_with_descriptors(int socket, void *bytes, size_t count, int *descriptors, size_t capacity, size_t *received, int nonblocking);

// prctl(PR_SET_NO_NEW_PRIVS) and no core file; returns 0 or -errno.
int clinux_harden(void);

// memfd_create(2), close-on-exec; returns the descriptor or -errno.
int clinux_memory_file(const char *name);

// setrlimit(RLIMIT_NOFILE); returns 0 or -errno.
int clinux_limit_descriptors(unsigned long count);

// The status of wait4(2), taken apart: fills exit code (or -1) and signal (or 0). Returns pid, 0 when still running, or -errno.
pid_t clinux_reap(pid_t pid, int blocking, int *exit_code, int *signal_number);

// posix_spawn(3) in a session of its own with default signals: `control` becomes descriptor 3, standard error is shared, standard input and
// output are /dev/null, all else is closed. Returns 0 or an errno; fills `*pid`.
int clinux_spawn(const char *path, char *const argv[], char *const envp[], int control, pid_t *pid);
