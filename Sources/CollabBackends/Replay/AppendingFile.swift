import Collab

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// A file that is only ever extended, each time by a whole piece.
final class AppendingFile: Sendable {
    private let descriptor: Int32
    private let path: String

    /// Opens an existing file for appending.
    init(path: String) throws(CollabError) {
        descriptor = open(path, O_WRONLY | O_APPEND | O_CLOEXEC)
        self.path = path
        if descriptor < 0 {
            throw CollabError(
                .inputOutput,
                "“\(path)” cannot be opened for writing: \(String(cString: strerror(errno)))."
            )
        }
    }

    deinit { close(descriptor) }

    /// Adds bytes at the end.
    func append(_ bytes: [UInt8]) throws(CollabError) {
        let failure = bytes.withUnsafeBytes { buffer -> Int32 in
            var rest = buffer[...]
            while !rest.isEmpty {
                let written = write(
                    descriptor,
                    UnsafeRawBufferPointer(rebasing: rest).baseAddress,
                    rest.count
                )
                if written < 0 {
                    if errno == EINTR { continue }
                    return errno
                }
                rest = rest.dropFirst(written)
            }
            return 0
        }
        if failure != 0 {
            throw CollabError(
                .inputOutput,
                "“\(path)” cannot be extended: \(String(cString: strerror(failure)))."
            )
        }
    }
}
