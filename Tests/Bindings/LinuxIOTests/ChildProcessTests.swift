import LinuxIO
import Testing

@Suite struct ChildProcessTests {
    private func spawn(_ script: String) throws -> (ChildProcess, ControlSocket) {
        let (near, far) = try SocketPair.stream()
        defer { closeDescriptor(far) }
        let child = try ChildProcess.spawn(
            path: "/bin/sh", arguments: ["-c", script], environment: ["PATH": "/usr/bin:/bin", "WORD": "word"], control: far)
        return (child, ControlSocket(descriptor: near))
    }

    @Test func aChildHasTheControlSocketAndItsEnvironmentAndNothingElse() throws {
        let (child, control) = try spawn(
            #"printf '\000\000\000\004%s' "$WORD" >&3; printf '\000\000\000\001%d' $(ls /proc/self/fd | wc -l) >&3"#)
        #expect(try control.receive(blocking: true) == .frame(Array("word".utf8), descriptors: []))
        // 0, 1 (the pipe of the substitution), 2, 3, and the folder that ls reads.
        #expect(try control.receive(blocking: true) == .frame(Array("5".utf8), descriptors: []))
        #expect(try control.receive(blocking: true) == .end)
        #expect(child.reap(blocking: true) == .status(0))
    }

    @Test func exitStatusAndSignalAreToldApart() throws {
        let (failing, _) = try spawn("exit 7")
        #expect(failing.reap(blocking: true) == .status(7))
        let (sleeping, _) = try spawn("sleep 60")
        #expect(sleeping.reap(blocking: false) == nil)
        #expect((sleeping.residentBytes ?? 0) > 0)
        sleeping.kill()
        #expect(sleeping.reap(blocking: true) == .signal(9))
        #expect(sleeping.residentBytes == nil)
    }

    @Test func aMissingProgramIsAnError() throws {
        let (near, far) = try SocketPair.stream()
        defer { [near, far].forEach(closeDescriptor) }
        #expect(throws: SystemError.self) {
            try ChildProcess.spawn(path: "/nonexistent/program", arguments: [], environment: [:], control: far)
        }
    }
}
