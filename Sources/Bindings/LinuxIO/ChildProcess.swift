internal import CLinux
internal import Glibc

/// A child process of ours: spawned in a session of its own (a terminal's Ctrl-C does not reach it), reaped exactly once.
package struct ChildProcess: Sendable, Equatable {
    /// The process id, valid until `reap` has returned an exit.
    package let pid: Int32

    /// How a process ended.
    package enum Exit: Sendable, Equatable {
        case status(Int32)
        case signal(Int32)
    }

    /// Starts `path` with `arguments` and `environment`; `control` becomes descriptor 3, standard error is shared, standard input and output are
    /// `/dev/null`, everything else is closed.
    package static func spawn(
        path: String, arguments: [String], environment: [String: String], control: Int32
    ) throws(SystemError) -> ChildProcess {
        let argv = CStringArray([path] + arguments)
        let envp = CStringArray(environment.map { "\($0.key)=\($0.value)" })
        var pid: pid_t = 0
        let status = clinux_spawn(path, argv.pointers, envp.pointers, control, &pid)
        guard status == 0 else { throw SystemError(call: "posix_spawn", number: status) }
        return ChildProcess(pid: pid)
    }

    /// Sends a signal; a process that is gone is no error.
    package func signal(_ number: Int32) {
        _ = Glibc.kill(pid, number)
    }

    /// SIGKILL.
    package func kill() { signal(SIGKILL) }

    /// How it ended; nil while it runs. After an exit was returned the pid is not ours any more.
    package func reap(blocking: Bool) -> Exit? {
        var code: Int32 = -1
        var signalNumber: Int32 = 0
        let got = clinux_reap(pid, blocking ? 1 : 0, &code, &signalNumber)
        guard got != 0 else { return nil }
        return signalNumber != 0 ? .signal(signalNumber) : .status(code)
    }

    /// Resident memory in bytes from `/proc`; nil when the process is gone.
    package var residentBytes: UInt64? { HostFacts.residentBytes(of: "\(pid)") }
}

/// A null-terminated array of C strings, freed with the object.
private final class CStringArray {
    let pointers: [UnsafeMutablePointer<CChar>?]

    init(_ strings: [String]) { pointers = strings.map { strdup($0) } + [nil] }

    deinit { pointers.forEach { free($0) } }
}

/// What a child does to itself before it touches anything from outside.
package enum ProcessHardening {
    /// No new privileges, no core files (they would hold media and keys), at most `descriptors` open files.
    package static func apply(descriptors: UInt) throws(SystemError) {
        let status = clinux_harden()
        guard status == 0 else { throw SystemError(call: "prctl", number: -status) }
        let limit = clinux_limit_descriptors(descriptors)
        guard limit == 0 else { throw SystemError(call: "setrlimit", number: -limit) }
    }

    /// All threads of this process, which is alone in its group, come last from now on. That it cannot be done is no failure.
    package static func yieldToOthers() { _ = setpriority(__priority_which_t(PRIO_PGRP.rawValue), 0, 19) }
}
