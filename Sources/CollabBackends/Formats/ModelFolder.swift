public import struct Collab.CollabError

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// A folder that a model was downloaded into: opens the files in it and nothing outside.
///
/// Names of files often come from files (an index lists its shards), so they are taken for plain names: no path, no
/// address. Symbolic links are refused unless they stay inside a folder that the caller names. The exception is the
/// cache of Hugging Face, which is made of links: in `models--…/snapshots/REVISION`, links within `models--…` are
/// followed.
public final class ModelFolder: Sendable {
    /// Where the folder is, as given.
    public let path: String
    private let descriptor: Int32
    /// The folder that links may lead into, without links itself; `nil` if none may.
    private let root: String?

    /// Opens a folder.
    ///
    /// - Parameter root: where symbolic links in the folder may lead.
    ///
    /// Throws ``Collab/CollabError`` with `fileNotFound` if there is no such folder.
    public init(path: String, followingLinksInside root: String? = nil) throws(CollabError) {
        let descriptor = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else {
            throw errno == ENOENT || errno == ENOTDIR
                ? CollabError(.fileNotFound, "There is no folder \(path).") : .opening(path, errno)
        }
        self.path = path
        self.descriptor = descriptor
        self.root = root.map { resolved($0) ?? $0 } ?? Self.cacheRoot(of: path)
    }

    deinit { close(descriptor) }

    /// Whether there is a file of this name, or a link that may be followed.
    public func contains(_ name: String) -> Bool {
        Self.isPlain(name) && faccessat(descriptor, name, F_OK, 0) == 0
    }

    /// Maps a file of the folder.
    ///
    /// Throws ``Collab/CollabError`` with `malformedFile` if the name is no plain name or leads out of the folder,
    /// else as ``MappedFile/init(path:)`` does.
    public func map(_ name: String) throws(CollabError) -> MappedFile {
        guard Self.isPlain(name) else {
            throw CollabError(
                .malformedFile,
                "“\(name.abbreviated)” is not the name of a file in \(path): paths, addresses and empty names are "
                    + "not followed."
            )
        }
        let full = path + "/" + name
        let direct = openat(descriptor, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)
        if direct < 0, errno == ELOOP || errno == EMLINK { return try mapLink(full) }
        return try MappedFile(path: full, descriptor: direct)
    }

    private func mapLink(_ full: String) throws(CollabError) -> MappedFile {
        guard let root, let target = resolved(full), target.hasPrefix(root + "/") else {
            throw CollabError(
                .malformedFile,
                "\(full) is a symbolic link"
                    + (root.map { " that leads out of \($0)." }
                        ?? ". Name the folder that links may lead into if that is meant.")
            )
        }
        return try MappedFile(
            path: full,
            descriptor: open(target, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)
        )
    }

    /// Whether a name has nothing that leads anywhere else, on any system.
    private static func isPlain(_ name: String) -> Bool {
        !name.isEmpty && name != "." && name != ".." && name.utf8.count <= 255
            && !name.utf8.contains { $0 == 0x2F || $0 == 0x5C || $0 == 0x3A || $0 < 0x20 }
    }

    /// `…/models--ORGANISATION--NAME` for a folder `…/models--ORGANISATION--NAME/snapshots/REVISION`.
    private static func cacheRoot(of path: String) -> String? {
        guard let parts = resolved(path)?.split(separator: "/"), parts.count >= 3,
            parts[parts.count - 2] == "snapshots", parts[parts.count - 3].hasPrefix("models--")
        else { return nil }
        return "/" + parts.dropLast(2).joined(separator: "/")
    }
}

/// A path without links, or `nil` if it leads nowhere.
private func resolved(_ path: String) -> String? {
    guard let resolved = realpath(path, nil) else { return nil }
    defer { free(resolved) }
    return String(cString: resolved)
}
