#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Which state of which file it was: samples of the contents do not tell every change, its time and place on the disk do.
struct FileStamp: Hashable, Sendable, CustomStringConvertible {
    var byteCount = 0
    var seconds = 0
    var nanoseconds = 0
    var inode: UInt64 = 0

    /// The stamp of a file as it is now; of one that is not there, zeros.
    init(of path: String) {
        var status = stat()
        guard stat(path, &status) == 0 else { return }
        #if canImport(Darwin)
            let written = status.st_mtimespec
        #else
            let written = status.st_mtim
        #endif
        byteCount = Int(status.st_size)
        seconds = Int(written.tv_sec)
        nanoseconds = Int(written.tv_nsec)
        inode = UInt64(status.st_ino)
    }

    var description: String { "\(byteCount) \(seconds).\(nanoseconds) \(inode)" }
}
