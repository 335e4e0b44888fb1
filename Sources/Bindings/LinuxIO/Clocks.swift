internal import Glibc

/// The machine's clocks, read at the edges only.
package enum SystemClocks {
    /// CLOCK_MONOTONIC in nanoseconds: the clock of media datagrams, shared by all processes of the machine.
    package static var monotonicNanoseconds: UInt64 {
        let time = read(CLOCK_MONOTONIC)
        return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
    }

    /// CLOCK_REALTIME in nanoseconds since 1970.
    package static var wallNanoseconds: Int64 {
        let time = read(CLOCK_REALTIME)
        return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
    }

    /// Processor time of this process so far, all its threads, in nanoseconds.
    package static var processorNanoseconds: UInt64 {
        let time = read(CLOCK_PROCESS_CPUTIME_ID)
        return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
    }

    private static func read(_ clock: clockid_t) -> timespec {
        var time = timespec()
        clock_gettime(clock, &time)
        return time
    }
}
