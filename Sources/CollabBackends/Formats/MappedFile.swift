internal import CKernels

public import struct Collab.CollabError
public import protocol Collab.DiscardableMemory

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// A file mapped into memory, read-only.
///
/// Nothing is read until it is touched, and pages can be dropped again by the system. The length is the one that
/// the file had when it was opened: views never reach beyond it.
///
/// A mapping shows the file as it is now. If another program cuts the file short meanwhile, the lost pages read as
/// zeros (a handler of SIGBUS sees to it, which passes on every other fault), and ``checkUnchanged()`` throws. The
/// readers of this module ask it after everything that they have read, so that neither a crash nor wrong weights come
/// of it. Programs that replace a model file should write a new one and rename it, as ``SafetensorsWriter`` does: the
/// mapping then keeps the old contents.
public final class MappedFile: Sendable {
    /// Where the file is, as given.
    public let path: String
    /// How many bytes it has.
    public let count: Int
    // Sendable: the memory is never written and lives as long as this object.
    private nonisolated(unsafe) let start: UnsafeRawPointer
    /// Kept open, so that the length can be checked of this very file, even after it was renamed or deleted.
    private let descriptor: Int32
    /// When the contents were last written, as of opening.
    private let written: timespec
    /// The entry of this mapping in the table that the handler of SIGBUS looks into.
    private let watch: Int32

    /// Maps a file.
    ///
    /// Throws ``Collab/CollabError`` with `fileNotFound` if there is none or it may not be read, `malformedFile` if
    /// it is empty or no regular file, `inputOutput` if the system refuses to map it.
    public convenience init(path: String) throws(CollabError) {
        // Without O_NONBLOCK, opening a FIFO would wait for a writer.
        try self.init(path: path, descriptor: open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC))
    }

    /// Takes over the result of `open`: a descriptor, or −1 with the reason in `errno`.
    init(path: String, descriptor: Int32) throws(CollabError) {
        let openError = errno
        self.path = path
        guard descriptor >= 0 else { throw .opening(path, openError) }
        do throws(CollabError) {
            let status = try Self.status(of: descriptor, path)
            let count = Int(status.st_size)
            guard let start = mmap(nil, count, PROT_READ, MAP_PRIVATE, descriptor, 0), start != MAP_FAILED
            else {
                throw CollabError(.inputOutput, "\(path) could not be mapped: \(describe(errno)).")
            }
            self.count = count
            self.start = UnsafeRawPointer(start)
            written = Self.written(status)
            watch = collab_mapping_watch(start, count)
            self.descriptor = descriptor
        } catch {
            close(descriptor)
            throw error
        }
    }

    deinit {
        collab_mapping_forget(watch)
        munmap(UnsafeMutableRawPointer(mutating: start), count)
        close(descriptor)
    }

    /// The bytes; valid as long as this object lives.
    public var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: start, count: count) }

    /// Throws `inputOutput` unless the file is as it was when it was opened.
    ///
    /// Asked after reading, it tells whether what was read belongs together: the length and the time of the last
    /// change are compared, and whether pages were lost under the mapping.
    public func checkUnchanged() throws(CollabError) {
        var status = stat()
        guard fstat(descriptor, &status) == 0 else {
            throw CollabError(.inputOutput, "\(path) could not be examined: \(describe(errno)).")
        }
        let advice = "Replace model files by renaming new ones over them, and open the model again."
        if Int(status.st_size) != count {
            throw CollabError(
                .inputOutput,
                "\(path) went from \(count) to \(status.st_size) bytes while it was in use. \(advice)"
            )
        }
        let now = Self.written(status)
        guard now.tv_sec == written.tv_sec, now.tv_nsec == written.tv_nsec else {
            throw CollabError(.inputOutput, "\(path) was written to while it was in use. \(advice)")
        }
        if collab_mapping_lost_pages(watch) != 0 {
            throw CollabError(
                .inputOutput,
                "A part of \(path) could not be read: the file was cut short for a while, or its disk is failing."
            )
        }
    }

    /// The result of reading the file; that it changed meanwhile is the better explanation of any other error.
    func reading<Value>(_ body: () throws(CollabError) -> Value) throws(CollabError) -> Value {
        let result: Value
        do throws(CollabError) {
            result = try body()
        } catch {
            try checkUnchanged()
            throw error
        }
        try checkUnchanged()
        return result
    }

    /// How a range of bytes is going to be used.
    public enum Advice: Hashable, Sendable {
        /// Front to back.
        case sequential
        /// Here and there.
        case random
        /// Soon: read ahead.
        case willNeed
        /// Not for a while: the pages may go.
        case notNeeded
    }

    /// Tells the system how a range of bytes is going to be used; without effect where it does not listen.
    public func advise(_ advice: Advice, for range: Range<Int>? = nil) {
        let range = (range ?? 0..<count).clamped(to: 0..<count)
        guard !range.isEmpty else { return }
        let first = range.lowerBound & ~(Int(getpagesize()) - 1)
        let flag =
            switch advice {
            case .sequential: MADV_SEQUENTIAL
            case .random: MADV_RANDOM
            case .willNeed: MADV_WILLNEED
            case .notNeeded: MADV_DONTNEED
            }
        _ = madvise(UnsafeMutableRawPointer(mutating: start + first), range.upperBound - first, Int32(flag))
    }

    /// Reads the file from front to back and lends it out in pieces.
    func readInPieces(_ body: (UnsafeRawBufferPointer) -> Void) throws(CollabError) {
        let size = 1 << 20
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: size, alignment: 64)
        defer { buffer.deallocate() }
        var position = 0
        while position < count {
            let read = pread(descriptor, buffer.baseAddress, min(size, count - position), off_t(position))
            if read < 0, errno == EINTR { continue }
            guard read > 0 else {
                try checkUnchanged()
                throw CollabError(.inputOutput, "\(path) could not be read: \(describe(errno)).")
            }
            body(UnsafeRawBufferPointer(rebasing: buffer[..<read]))
            position += read
        }
    }

    /// The last time that the contents were written.
    private static func written(_ status: stat) -> timespec {
        #if canImport(Darwin)
            status.st_mtimespec
        #else
            status.st_mtim
        #endif
    }

    private static func status(of descriptor: Int32, _ path: String) throws(CollabError) -> stat {
        var status = stat()
        guard fstat(descriptor, &status) == 0 else {
            throw CollabError(.inputOutput, "\(path) could not be examined: \(describe(errno)).")
        }
        guard status.st_mode & S_IFMT == S_IFREG else {
            throw CollabError(.malformedFile, "\(path) is not a regular file.")
        }
        guard status.st_size > 0 else { throw CollabError(.malformedFile, "\(path) is empty.") }
        return status
    }
}

extension MappedFile: DiscardableMemory {
    /// Lets the pages of some bytes of the file go.
    public func discard(_ bytes: UnsafeRawBufferPointer) {
        guard let first = bytes.baseAddress else { return }
        let offset = first - start
        advise(.notNeeded, for: offset..<offset + bytes.count)
    }
}

extension CollabError {
    /// The error for a file that could not be opened.
    static func opening(_ path: String, _ code: Int32) -> CollabError {
        switch code {
        case ENOENT, ENOTDIR: CollabError(.fileNotFound, "There is no file \(path).")
        case EACCES, EPERM: CollabError(.fileNotFound, "\(path) may not be read: \(describe(code)).")
        case ELOOP:
            CollabError(
                .malformedFile,
                "\(path) is a symbolic link where none is allowed, or links to itself."
            )
        default: CollabError(.inputOutput, "\(path) could not be opened: \(describe(code)).")
        }
    }
}

/// What the system calls an error number.
func describe(_ code: Int32) -> String { String(cString: strerror(code)) }
