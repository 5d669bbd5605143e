import Collab
import Foundation
import Testing

@testable import CollabBackends

@Suite("SHA-256")
struct SHA256Tests {
    /// Examples from FIPS 180-4 and its companion documents.
    static let vectors: [(String, String)] = [
        ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
        ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
        (
            "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
        ),
        (
            "abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmnoijklmnopjklmnopqklmnopqrlmnopqrsmnopqrst"
                + "nopqrstu",
            "cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1"
        ),
        (
            String(repeating: "a", count: 1_000_000),
            "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"
        ),
    ]

    @Test("the published examples, with and without the processor's instructions", arguments: [false, true])
    func published(isPortable: Bool) {
        for (text, expected) in Self.vectors {
            var hash = SHA256(isPortable: isPortable)
            hash.update(Array(text.utf8))
            #expect(hash.digest().description == expected)
        }
    }

    @Test("bytes may come in pieces of any size")
    func pieces() {
        let bytes = (0..<1000).map { UInt8(truncatingIfNeeded: $0 &* 31) }
        var whole = SHA256()
        whole.update(bytes)
        for size in [1, 3, 63, 64, 65, 127, 128, 129, 999] {
            var hash = SHA256(isPortable: size % 2 == 0)
            for start in stride(from: 0, to: bytes.count, by: size) {
                hash.update(Array(bytes[start..<min(start + size, bytes.count)]))
            }
            #expect(hash.digest() == whole.digest(), "\(size)")
        }
    }

    @Test("a file is verified, and a wrong one named")
    func file() throws {
        let folder = try TemporaryFolder()
        let path = folder.path("model.bin")
        try Data("abc".utf8).write(to: URL(fileURLWithPath: path))
        let file = try MappedFile(path: path)
        try file.verify(sha256: Self.vectors[1].1)
        try file.verify(sha256: Self.vectors[1].1.uppercased())
        let error = #expect(throws: CollabError.self) { try file.verify(sha256: Self.vectors[0].1) }
        #expect(error?.code == .checksumMismatch)
        #expect(error?.message.contains(path) == true && error?.message.contains(Self.vectors[1].1) == true)
        for text in ["", "abc", String(repeating: "g", count: 64), String(repeating: "é", count: 32)] {
            let error = #expect(throws: CollabError.self) { try file.verify(sha256: text) }
            #expect(error?.code == .invalidRequest)
        }
    }

    @Test("the real model has the digest that set-up expects")
    func realModel() throws {
        let file = try MappedFile(path: try modelPath("SmolLM2-135M-Instruct.Q4_1.gguf"))
        try file.verify(sha256: "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53")
    }
}
