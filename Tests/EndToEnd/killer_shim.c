// A preload that makes a disk slow and lets the wall clock jump, as a mapped file says: see killer_machine.py, which writes it.
// Monotonic clocks, sockets, pipes and the standard streams are left alone.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

struct control {
    volatile int64_t clock_offset_ns;
    volatile int64_t write_delay_us;
    volatile int64_t sync_delay_us;
};

static const struct control nothing;
static const struct control *control = &nothing;

__attribute__((constructor)) static void attach(void) {
    const char *path = getenv("KILLER_CONTROL");
    int descriptor = path != NULL ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    if (descriptor < 0) return;
    void *mapped = mmap(NULL, sizeof(struct control), PROT_READ, MAP_SHARED, descriptor, 0);
    close(descriptor);
    if (mapped != MAP_FAILED) control = mapped;
}

#define NEXT(name) \
    static __typeof__(&name) next; \
    if (next == NULL) next = (__typeof__(&name))dlsym(RTLD_NEXT, #name)

// Disk

static void wait_for_disk(int descriptor, int64_t delay_us) {
    if (delay_us <= 0 || descriptor <= STDERR_FILENO) return;
    int kept = errno;
    struct stat status;
    if (fstat(descriptor, &status) == 0 && S_ISREG(status.st_mode)) usleep((useconds_t)delay_us);
    errno = kept;
}

ssize_t write(int descriptor, const void *bytes, size_t count) {
    NEXT(write);
    wait_for_disk(descriptor, control->write_delay_us);
    return next(descriptor, bytes, count);
}

ssize_t pwrite(int descriptor, const void *bytes, size_t count, off_t offset) {
    NEXT(pwrite);
    wait_for_disk(descriptor, control->write_delay_us);
    return next(descriptor, bytes, count, offset);
}

ssize_t pwrite64(int descriptor, const void *bytes, size_t count, off64_t offset) {
    NEXT(pwrite64);
    wait_for_disk(descriptor, control->write_delay_us);
    return next(descriptor, bytes, count, offset);
}

int fsync(int descriptor) {
    NEXT(fsync);
    wait_for_disk(descriptor, control->sync_delay_us);
    return next(descriptor);
}

int fdatasync(int descriptor) {
    NEXT(fdatasync);
    wait_for_disk(descriptor, control->sync_delay_us);
    return next(descriptor);
}

// Clock

static const int64_t second_ns = 1000000000;

static void move(struct timespec *time, int64_t offset_ns) {
    int64_t total = (int64_t)time->tv_sec * second_ns + time->tv_nsec + offset_ns;
    time->tv_sec = total / second_ns;
    time->tv_nsec = total % second_ns;
}

int clock_gettime(clockid_t clock, struct timespec *time) {
    NEXT(clock_gettime);
    int status = next(clock, time);
    if (status == 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) move(time, control->clock_offset_ns);
    return status;
}

int gettimeofday(struct timeval *restrict time, void *restrict zone) {
    (void)zone;
    struct timespec now;
    int status = clock_gettime(CLOCK_REALTIME, &now);
    if (status == 0) *time = (struct timeval){.tv_sec = now.tv_sec, .tv_usec = now.tv_nsec / 1000};
    return status;
}

time_t time(time_t *result) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (result != NULL) *result = now.tv_sec;
    return now.tv_sec;
}

// The kernel's clock does not jump: moments to wait for are told to it on its own.

static struct timespec on_kernel_clock(const struct timespec *moment) {
    struct timespec moved = *moment;
    move(&moved, -control->clock_offset_ns);
    return moved;
}

int pthread_cond_timedwait(pthread_cond_t *restrict condition, pthread_mutex_t *restrict mutex, const struct timespec *restrict moment) {
    static __typeof__(&pthread_cond_timedwait) next;
    if (next == NULL) next = (__typeof__(&pthread_cond_timedwait))dlvsym(RTLD_NEXT, "pthread_cond_timedwait", "GLIBC_2.3.2");
    const unsigned monotonic = 2;  // of __wrefs: the clock that the condition was made with (glibc, nptl/pthread_cond_common.c)
    if (condition->__data.__wrefs & monotonic) return next(condition, mutex, moment);
    struct timespec moved = on_kernel_clock(moment);
    return next(condition, mutex, &moved);
}

int sem_timedwait(sem_t *restrict semaphore, const struct timespec *restrict moment) {
    NEXT(sem_timedwait);
    struct timespec moved = on_kernel_clock(moment);
    return next(semaphore, &moved);
}
