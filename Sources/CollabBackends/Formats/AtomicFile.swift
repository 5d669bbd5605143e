package import Collab

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// A file that appears under its name only when it is complete.
///
/// It is written under a temporary name in the same folder; ``finish()`` flushes it to the disk, renames it and
/// flushes the folder. If it is dropped before, the temporary file goes.
package final class AtomicFile: Sendable {
    package let path: String
    private let temporary: String
    private let descriptor: Int32
    private let isFinished = Protected(false)

    package init(path: String) throws(CollabError) {
        let parent = folder(of: path)
        let suffix = String(UInt64.random(in: 0 ... .max), radix: 36)
        let temporary = "\(parent)/.\(lastComponent(of: path).prefix(200)).\(suffix).partial"
        let descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o644)
        guard descriptor >= 0 else {
            throw CollabError(.inputOutput, "\(path) could not be created: \(describe(errno)).")
        }
        self.path = path
        self.temporary = temporary
        self.descriptor = descriptor
    }

    deinit {
        close(descriptor)
        if !isFinished.withLock({ $0 }) { unlink(temporary) }
    }

    /// Writes bytes at a place; other places may be written at the same time.
    package func write(_ bytes: UnsafeRawBufferPointer, at offset: Int) throws(CollabError) {
        var done = 0
        while done < bytes.count {
            let count = pwrite(
                descriptor,
                bytes.baseAddress! + done,
                bytes.count - done,
                off_t(offset + done)
            )
            if count < 0, errno == EINTR { continue }
            guard count > 0 else {
                throw CollabError(.inputOutput, "\(path) could not be written: \(describe(errno)).")
            }
            done += count
        }
    }

    /// Makes the file durable and gives it its name.
    package func finish() throws(CollabError) {
        guard fsync(descriptor) == 0, rename(temporary, path) == 0 else {
            throw CollabError(.inputOutput, "\(path) could not be put in place: \(describe(errno)).")
        }
        isFinished.withLock { $0 = true }
        let parent = open(folder(of: path), O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        if parent >= 0 {
            // Not every file system can flush a folder; the file is complete either way.
            _ = fsync(parent)
            close(parent)
        }
    }
}
