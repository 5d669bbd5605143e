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

    /// Makes the folder, and those that it lies in, unless they are there.
    func make() throws(CollabError) { try Self.make(path) }

    /// Makes a folder, and those that it lies in, unless they are there.
    static func make(_ path: String) throws(CollabError) {
        let parent = FilePlace.parent(of: path)
        if parent != path, FilePlace.kind(of: parent) == nil { try make(parent) }
        if mkdir(path, 0o755) != 0, errno != EEXIST {
            throw CollabError(.inputOutput, "\(path) could not be made: \(String(cString: strerror(errno))).")
        }
    }

    /// Puts the folder in its place, and removes what was there.
    ///
    /// The journal goes last: whatever fails before leaves a run that can be gone on with.
    ///
    /// - Parameter flushing: whether what is in a folder is on the disk before the next step.
    func finish(replacing: Bool, flushing: Bool) throws(CollabError) {
        if flushing { Self.synchronise(path) }
        try exchange(replacing: replacing)
        clearUp(flushing: flushing)
    }

    /// Whether something of the way there is left: the journal in the folder, or folders that were put aside.
    var hasLeftovers: Bool { FilePlace.kind(of: journal) != nil || !aside.isEmpty }

    /// Removes what is of no use when the folder is in its place; a run that is killed meanwhile leaves some of it.
    func clearUp(flushing: Bool) {
        unlink(journal)
        if flushing {
            Self.synchronise(final)
            Self.synchronise(FilePlace.parent(of: final))
        }
        for folder in aside { Self.remove(folder) }
    }

    private var journal: String { final + "/" + MergeJournal.fileName }

    /// The folders that were put aside: by this run, and by earlier ones that were killed.
    private var aside: [String] {
        let parent = FilePlace.parent(of: final)
        return Self.names(in: parent).filter(isAside).map { parent + "/" + $0 }
    }

    private func exchange(replacing: Bool) throws(CollabError) {
        if rename(path, final) == 0 { return }
        guard replacing, errno == ENOTEMPTY || errno == EEXIST else {
            throw CollabError(
                .inputOutput,
                "The result in \(path) could not be put in its place, \(final): \(String(cString: strerror(errno)))."
            )
        }
        // Between the two steps a reader finds no folder of the name; nobody ever finds files of both.
        let parent = FilePlace.parent(of: final)
        var (aside, number) = (parent + "/" + asideName, 0)
        while FilePlace.kind(of: aside) != nil {
            number += 1
            aside = parent + "/" + asideName + "-\(number)"
        }
        var failure = rename(final, aside) == 0 ? 0 : errno
        if failure == 0, rename(path, final) != 0 {
            failure = errno
            rename(aside, final)
        }
        guard failure == 0 else {
            throw CollabError(
                .inputOutput,
                "The result in \(path) could not take the place of \(final): \(String(cString: strerror(failure)))."
            )
        }
    }

    /// What a folder is called that is put aside; numbers may follow.
    private var asideName: String { (path.split(separator: "/").last.map(String.init) ?? path) + ".replaced" }

    private func isAside(_ name: String) -> Bool {
        guard name.hasPrefix(asideName) else { return false }
        let rest = name.dropFirst(asideName.count)
        return rest.isEmpty || rest.first == "-" && Int(rest.dropFirst()) != nil
    }

    /// Removes a file, a link, or a folder with all that is in it.
    private static func remove(_ path: String) {
        guard FilePlace.kind(of: path) == .folder else {
            unlink(path)
            return
        }
        for name in names(in: path) { remove(path + "/" + name) }
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

    private static func synchronise(_ path: String) {
        let descriptor = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { return }
        _ = fsync(descriptor)
        close(descriptor)
    }
}
