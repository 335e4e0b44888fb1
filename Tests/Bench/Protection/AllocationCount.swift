internal import COpenSSL
import Glibc

/// How often OpenSSL has asked for memory.
enum AllocationCount {
    /// Counted by the one thread of this program.
    nonisolated(unsafe) private(set) static var value = 0

    /// Counts from now on; false when OpenSSL has allocated before.
    static func begin() -> Bool {
        CRYPTO_set_mem_functions(
            { count, _, _ in
                AllocationCount.value += 1
                return malloc(count)
            },
            { memory, count, _, _ in
                AllocationCount.value += 1
                return realloc(memory, count)
            },
            { memory, _, _ in free(memory) }) == 1
    }
}
