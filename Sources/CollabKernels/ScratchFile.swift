#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Darwin
#endif

/// A file without a name, for what there is no memory for.
///
/// Its name is removed at once, so that the system frees it when the value goes, and also when the process is killed. Its
/// space is taken when it is made.
package final class ScratchFile: Sendable {
    private let descriptor: Int32
    /// How large it is.
    package let byteCount: Int

    /// Where scratch files are: the folder in the variable `TMPDIR`, or `/var/tmp`, which is on a disk where `/tmp` may be
    /// in memory.
    package static var folder: String {
        if let named = getenv("TMPDIR"), named.pointee != 0 { return String(cString: named) }
        return "/var/tmp"
    }

    /// Makes a file of so many bytes.
    ///
    /// Throws ``KernelError`` where the folder has no space for it or cannot be written to.
    package init(byteCount: Int, in folder: String = ScratchFile.folder) throws(KernelError) {
        precondition(byteCount >= 0)
        try Self.checkSpace(for: byteCount, in: folder)
        var path = Array("\(folder)/collab-scratch-XXXXXX".utf8CString)
        let made = mkstemp(&path)
        guard made >= 0 else { throw Self.failure("made", in: folder, errno) }
        unlink(path)
        // Processes that are started meanwhile would keep its space.
        _ = fcntl(made, F_SETFD, FD_CLOEXEC)
        #if canImport(Darwin)
            let code = ftruncate(made, off_t(byteCount)) == 0 ? 0 : errno
        #else
            var code = byteCount == 0 ? 0 : posix_fallocate(made, 0, off_t(byteCount))
            while code == EINTR { code = posix_fallocate(made, 0, off_t(byteCount)) }
            // Some file systems cannot take space in advance; it is then taken as it is written.
            if code == EOPNOTSUPP || code == EINVAL {
                code = ftruncate(made, off_t(byteCount)) == 0 ? 0 : errno
            }
        #endif
        guard code == 0 else {
            close(made)
            throw Self.failure("given \(byteCount) bytes", in: folder, code)
        }
        descriptor = made
        self.byteCount = byteCount
    }

    deinit { close(descriptor) }

    /// Throws ``KernelError`` where a folder has not so many bytes left.
    package static func checkSpace(
        for byteCount: Int,
        in folder: String = ScratchFile.folder
    ) throws(KernelError) {
        if byteCount == 0 { return }
        var space = statvfs()
        guard statvfs(folder, &space) == 0 else { throw failure("made", in: folder, errno) }
        let (left, overflows) = Int(clamping: space.f_bavail).multipliedReportingOverflow(
            by: Int(clamping: space.f_frsize)
        )
        if !overflows, left < byteCount {
            throw KernelError(
                "\(folder) has \(left) bytes left and \(byteCount) are needed; free some, or set TMPDIR to another folder."
            )
        }
    }

    /// Reads bytes from a place on.
    package func read(_ bytes: UnsafeMutableRawBufferPointer, at place: Int) throws(KernelError) {
        try pass(bytes.count, at: place, "read") { done, count, offset in
            pread(descriptor, bytes.baseAddress.map { $0 + done }, count, offset)
        }
    }

    /// Writes bytes from a place on.
    package func write(_ bytes: UnsafeRawBufferPointer, at place: Int) throws(KernelError) {
        try pass(bytes.count, at: place, "written") { done, count, offset in
            pwrite(descriptor, bytes.baseAddress.map { $0 + done }, count, offset)
        }
    }

    /// Repeats a call that may do less than it is asked to.
    private func pass(
        _ count: Int,
        at place: Int,
        _ what: String,
        _ call: (_ done: Int, _ left: Int, _ offset: off_t) -> Int
    ) throws(KernelError) {
        precondition(place >= 0 && place + count <= byteCount)
        var done = 0
        while done < count {
            let step = call(done, count - done, off_t(place + done))
            if step < 0, errno == EINTR { continue }
            guard step > 0 else { throw Self.failure(what, errno) }
            done += step
        }
    }

    private static func failure(_ what: String, in folder: String? = nil, _ code: Int32) -> KernelError {
        let place = folder.map { " in \($0)" } ?? ""
        return KernelError(
            "A scratch file\(place) could not be \(what): \(String(cString: strerror(code))); TMPDIR names the folder."
        )
    }
}
