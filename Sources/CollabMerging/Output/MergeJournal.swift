import Collab
import CollabBackends

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// What a merge in progress has finished: a line a tensor, appended when its bytes are in the file.
///
/// The first line says which merge it is. A journal of another merge counts as none, and so does a last line that
/// was torn by a crash.
final class MergeJournal: Sendable {
    static let fileName = "merge-journal.jsonl"
    /// The checksums of the tensors that were finished when the journal was opened.
    let finished: [String: UInt64]
    private let path: String
    private let descriptor: Int32

    /// Opens or begins a journal, which nobody else may have open.
    init(folder: String, identity: String) throws(CollabError) {
        path = folder + "/" + Self.fileName
        descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_APPEND, 0o644)
        guard descriptor >= 0 else { throw CollabError(.inputOutput, "\(path) could not be opened.") }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            close(descriptor)
            throw CollabError(.inputOutput, "\(folder) is being written by another merge.")
        }
        let head: JSONValue = ["merge": .string(identity), "version": 1]
        var lines = Self.read(descriptor)
        var finished: [String: UInt64] = [:]
        if let first = lines.first, first == head {
            lines.removeFirst()
            for line in lines {
                guard let tensor = line["tensor"]?.stringValue, let text = line["checksum"]?.stringValue,
                    let checksum = UInt64(text, radix: 16)
                else { continue }
                finished[tensor] = checksum
            }
        } else {
            ftruncate(descriptor, 0)
        }
        self.finished = finished
        // After a torn line a new one begins.
        try append(finished.isEmpty ? [] : [0x0A])
        if finished.isEmpty {
            ftruncate(descriptor, 0)
            try append(head.encoded() + [0x0A])
        }
    }

    deinit { close(descriptor) }

    /// Notes that a tensor is complete.
    func note(_ tensor: String, checksum: UInt64) throws(CollabError) {
        let line: JSONValue = ["tensor": .string(tensor), "checksum": .string(String(checksum, radix: 16))]
        try append(line.encoded() + [0x0A])
    }

    private func append(_ bytes: [UInt8]) throws(CollabError) {
        guard bytes.isEmpty || write(descriptor, bytes, bytes.count) == bytes.count else {
            throw CollabError(.inputOutput, "\(path) could not be written.")
        }
    }

    private static func read(_ descriptor: Int32) -> [JSONValue] {
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = pread(descriptor, &buffer, buffer.count, off_t(bytes.count))
            guard count > 0 else { break }
            bytes += buffer[..<count]
        }
        return bytes.split(separator: 0x0A).map { (try? JSONValue(parsing: Array($0))) ?? .null }
    }
}
