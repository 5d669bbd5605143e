/// Takes secrets out of text from outside before it becomes part of an error.
struct Redactor: Sendable, CustomReflectable {
    private let secrets: [[UInt8]]

    /// What is shorter would tear ordinary words apart and hides nothing.
    private static let leastBytes = 4

    /// Makes a redactor of secrets, as they are and as JSON may have them.
    init(_ secrets: [String]) {
        let forms = secrets.flatMap { secret in
            let quoted = secret.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"")
            return [secret, quoted, quoted.replacing("/", with: "\\/")]
        }
        self.secrets = Set(forms).map { Array($0.utf8) }.filter { $0.count >= Self.leastBytes }
            .sorted { $0.count > $1.count }
    }

    private static let mark = Array("[redacted]".utf8)

    var customMirror: Mirror { Mirror(self, children: EmptyCollection<Mirror.Child>()) }

    /// The text with every secret replaced, and the beginning of one too where the text was cut off within it.
    func scrub(_ text: String) -> String {
        var bytes = Array(text.utf8)
        var isChanged = false
        for secret in secrets { isChanged = replace(secret, in: &bytes) || isChanged }
        for secret in secrets { isChanged = replaceBeginning(of: secret, in: &bytes) || isChanged }
        return isChanged ? String(decoding: bytes, as: UTF8.self) : text
    }

    private func replaceBeginning(of secret: [UInt8], in bytes: inout [UInt8]) -> Bool {
        let longest = min(secret.count - 1, bytes.count)
        guard longest >= Self.leastBytes else { return false }
        for count in stride(from: longest, through: Self.leastBytes, by: -1)
        where bytes.suffix(count).elementsEqual(secret.prefix(count)) {
            bytes.removeLast(count)
            bytes.append(contentsOf: Self.mark)
            return true
        }
        return false
    }

    private func replace(_ secret: [UInt8], in bytes: inout [UInt8]) -> Bool {
        guard bytes.count >= secret.count else { return false }
        var result: [UInt8] = []
        var position = 0
        var isFound = false
        while position < bytes.count {
            if bytes[position] == secret[0], bytes[position...].starts(with: secret) {
                result.append(contentsOf: Self.mark)
                position += secret.count
                isFound = true
            } else {
                result.append(bytes[position])
                position += 1
            }
        }
        if isFound { bytes = result }
        return isFound
    }
}
