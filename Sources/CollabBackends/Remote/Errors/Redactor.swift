/// Takes secrets out of text from outside before it becomes part of an error.
struct Redactor: Sendable, CustomReflectable {
    private let secrets: [[UInt8]]

    /// Makes a redactor; what is shorter than four characters would tear ordinary words apart and hides nothing.
    init(_ secrets: [String]) {
        self.secrets = secrets.map { Array($0.utf8) }.filter { $0.count >= 4 }.sorted { $0.count > $1.count }
    }

    var customMirror: Mirror { Mirror(self, children: EmptyCollection<Mirror.Child>()) }

    /// The text with every secret replaced.
    func scrub(_ text: String) -> String {
        var bytes = Array(text.utf8)
        var isChanged = false
        for secret in secrets { isChanged = replace(secret, in: &bytes) || isChanged }
        return isChanged ? String(decoding: bytes, as: UTF8.self) : text
    }

    private func replace(_ secret: [UInt8], in bytes: inout [UInt8]) -> Bool {
        guard bytes.count >= secret.count else { return false }
        var result: [UInt8] = []
        var position = 0
        var isFound = false
        while position < bytes.count {
            if bytes[position] == secret[0], bytes[position...].starts(with: secret) {
                result.append(contentsOf: "[redacted]".utf8)
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
