/// The waits between attempts at something that nobody is in a hurry for: each twice as long as the one before, up to a longest one.
struct DoublingWait: Sendable {
    let first: Duration
    let longest: Duration

    /// The wait after an attempt that failed. `failures`: attempts that failed before it.
    func after(_ failures: Int) -> Duration { min(longest, first * (1 << min(failures, 16))) }
}
