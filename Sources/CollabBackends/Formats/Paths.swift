import Collab

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// The last part of a path, such as `model.gguf`.
func lastComponent(of path: String) -> String {
    path.split(separator: "/").last.map(String.init) ?? path
}

/// The folder that a path is in.
func folder(of path: String) -> String {
    guard let slash = path.lastIndex(of: "/") else { return "." }
    return slash == path.startIndex ? "/" : String(path[..<slash])
}

/// Whether there is a folder at a path.
func isFolder(_ path: String) -> Bool {
    var status = stat()
    return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
}

/// Makes a folder unless it is there; the one it is in must exist.
func makeFolder(_ path: String) throws(CollabError) {
    if mkdir(path, 0o755) != 0, errno != EEXIST {
        throw CollabError(.inputOutput, "\(path) could not be made: \(String(cString: strerror(errno))).")
    }
}
