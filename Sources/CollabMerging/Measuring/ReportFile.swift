public import Collab
import CollabBackends

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// A file that the outcome of a measurement goes into: that it can be written is known before anything is measured.
public struct ReportFile: Sendable {
    /// Where it is.
    public let path: String

    /// Throws ``Collab/CollabError`` with `inputOutput` for a folder and for a path in a folder that is not there or may
    /// not be written.
    public init(_ path: String) throws(CollabError) {
        self.path = path
        let parent = FilePlace.parent(of: path)
        guard access(parent + "/.", W_OK) == 0 else {
            throw CollabError(
                .inputOutput,
                "\(path) cannot be written, for its folder \(parent): \(String(cString: strerror(errno)))."
            )
        }
        guard !path.isEmpty, access(path + "/.", F_OK) != 0 else {
            throw CollabError(.inputOutput, "“\(path)” is no file that could be written.")
        }
    }

    /// Writes the file, whole or not at all.
    public func write(_ bytes: [UInt8]) throws(CollabError) { try write(bytes, to: path) }

    /// Writes a file beside it whose name has a mark before its ending: `report-math.svg`.
    public func write(_ bytes: [UInt8], marked mark: String) throws(CollabError) {
        let name = path.split(separator: "/").last.map(String.init) ?? path
        let folder = String(path.dropLast(name.count))
        let dot = name.lastIndex(of: ".").flatMap { $0 == name.startIndex ? nil : $0 } ?? name.endIndex
        // A mark comes from a name, which need not be one of a file.
        let plain = String(mark.map { "/\0".contains($0) ? "_" : $0 })
        try write(bytes, to: folder + name[..<dot] + "-" + plain + name[dot...])
    }

    private func write(_ bytes: [UInt8], to path: String) throws(CollabError) {
        let file = try AtomicFile(path: path)
        try bytes.withUnsafeBufferPointer { (bytes) throws(CollabError) in
            try file.write(UnsafeRawBufferPointer(bytes), at: 0)
        }
        try file.finish()
    }
}
