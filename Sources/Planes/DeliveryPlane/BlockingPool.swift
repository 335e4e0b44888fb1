internal import NIOPosix
internal import Synchronization

/// A few threads of its own for calls that block, so that they never hold a thread of Swift's pool. Ends its threads with the last reference.
final class BlockingPool: Sendable {
    private let threads: NIOThreadPool

    init(threads count: Int) {
        threads = NIOThreadPool(numberOfThreads: count)
        threads.start()
    }

    deinit {
        threads.shutdownGracefully { _ in }
    }

    /// Runs `work` and waits for its end, even when the task is cancelled; `work` asks its flag now and then and ends early.
    func run<T: Sendable>(_ work: @escaping @Sendable (CancellationFlag) throws -> T) async throws -> T {
        let flag = CancellationFlag()
        return try await withTaskCancellationHandler {
            try await threads.runIfActive { try work(flag) }
        } onCancel: {
            flag.raise()
        }
    }

    /// Runs `work`, which cannot be interrupted; a cancelled task leaves at once with `CancellationError`, and the thread is free when the call
    /// returns.
    func runAbandonable<T: Sendable>(_ work: @escaping @Sendable () throws -> T) async throws -> T {
        let promise = OncePromise<T>()
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                promise.attach(continuation)
                threads.submit { state in
                    promise.fulfil(state == .active ? Result(catching: work) : .failure(CancellationError()))
                }
            }
        } onCancel: {
            promise.fulfil(.failure(CancellationError()))
        }
    }
}

/// Tells blocking work that nobody wants its result any more.
final class CancellationFlag: Sendable {
    private let raised = Atomic(false)

    func raise() { raised.store(true, ordering: .relaxed) }

    func check() throws {
        if raised.load(ordering: .relaxed) { throw CancellationError() }
    }
}

/// A continuation that the first of several results resumes, whichever of result and continuation comes first.
private final class OncePromise<T: Sendable>: Sendable {
    private enum State {
        case empty
        case waiting(CheckedContinuation<T, any Error>)
        case early(Result<T, any Error>)
        case done
    }

    private let state = Mutex(State.empty)

    func attach(_ continuation: CheckedContinuation<T, any Error>) {
        let early = state.withLock { state -> Result<T, any Error>? in
            guard case .early(let result) = state else {
                state = .waiting(continuation)
                return nil
            }
            state = .done
            return result
        }
        if let early { continuation.resume(with: early) }
    }

    func fulfil(_ result: Result<T, any Error>) {
        let waiter = state.withLock { state -> CheckedContinuation<T, any Error>? in
            switch state {
            case .empty:
                state = .early(result)
                return nil
            case .waiting(let continuation):
                state = .done
                return continuation
            case .early, .done:
                return nil
            }
        }
        waiter?.resume(with: result)
    }
}
