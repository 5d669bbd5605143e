import Collab

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// A folder that is filled under another name and then put in its place.
struct PartialFolder {
    /// Where it is filled.
    var path: String
    /// Where it will be.
    var final: String

    /// Makes the folder unless it is there.
    func make() throws(CollabError) {
        if mkdir(path, 0o755) != 0, errno != EEXIST {
            throw CollabError(.inputOutput, "\(path) could not be made: \(String(cString: strerror(errno))).")
        }
    }

    /// Puts the folder in its place, and removes what was there.
    ///
    /// - Parameter flushing: whether what is in a folder is on the disk before the next step.
    func finish(replacing: Bool, flushing: Bool) throws(CollabError) {
        unlink(path + "/" + MergeJournal.fileName)
        if flushing { Self.synchronise(path) }
        if rename(path, final) == 0 {
            if flushing { Self.synchronise(Self.parent(of: final)) }
            return
        }
        guard replacing, errno == ENOTEMPTY || errno == EEXIST else {
            throw CollabError(
                .inputOutput,
                "The result in \(path) could not be put in its place, \(final): \(String(cString: strerror(errno)))."
            )
        }
        // Between the two steps a reader finds no folder of the name; nobody ever finds files of both.
        let aside = path + ".replaced"
        guard rename(final, aside) == 0, rename(path, final) == 0 else {
            throw CollabError(
                .inputOutput,
                "The result in \(path) could not take the place of \(final): \(String(cString: strerror(errno)))."
            )
        }
        if flushing { Self.synchronise(Self.parent(of: final)) }
        Self.removeFiles(aside)
    }

    /// Removes a folder with its files; folders in it stay, and so does it then.
    private static func removeFiles(_ path: String) {
        for name in names(in: path) { unlink(path + "/" + name) }
        rmdir(path)
    }

    /// Removes what a run that was killed may have left half-written, and whatever else is not expected.
    func removeFiles(except kept: Set<String>) {
        for name in Self.names(in: path) where !kept.contains(name) { unlink(path + "/" + name) }
    }

    /// Whether a folder has nothing in it.
    static func isEmpty(_ path: String) -> Bool { names(in: path).isEmpty }

    private static func names(in path: String) -> [String] {
        guard let stream = opendir(path) else { return [] }
        defer { closedir(stream) }
        var names: [String] = []
        while let entry = readdir(stream) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names
    }

    private static func parent(of path: String) -> String {
        guard let slash = path.lastIndex(of: "/") else { return "." }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }

    private static func synchronise(_ path: String) {
        let descriptor = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { return }
        _ = fsync(descriptor)
        close(descriptor)
    }
}
