import CollabTesting
import Testing

@testable import Collab

@Suite("Text written byte by byte is UTF-8 at every place")
struct ByteCharacterTests {
    /// Every byte is a token, and all are as probable as the end.
    private static let bytes = ToyModel("bytes", ToyTokenizer(bytes: (0...255).map { [$0] })) { _ in
        [Float](repeating: 0, count: 257)
    }

    @Test("a sequence of bytes is allowed exactly if Unicode has such a character")
    func places() {
        let tails: [UInt8] = [0x00, 0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC0, 0xFF]
        /// Whether every byte is allowed where it comes, and the last ends a character.
        func isCharacter(_ bytes: [UInt8]) -> Bool {
            var place = CharacterPlace()
            for (index, byte) in bytes.enumerated() {
                guard place.allows(byte), index == 0 || !place.isWhole else { return false }
                place.advance(by: byte)
            }
            return place.isWhole
        }
        func check(_ bytes: [UInt8]) {
            let isScalar = String(validating: bytes, as: UTF8.self)?.unicodeScalars.count == 1
            #expect(isCharacter(bytes) == isScalar, "\(bytes)")
        }
        for first in UInt8.min...UInt8.max {
            check([first])
            for second in UInt8.min...UInt8.max {
                check([first, second])
                guard first >= 0xE0, second >= 0x80, second < 0xC0 else { continue }
                for third in tails {
                    check([first, second, third])
                    for fourth in tails { check([first, second, third, fourth]) }
                }
            }
        }
    }

    @Test("a model is left only the bytes that can come, and no end within a character")
    func rows() async throws {
        let start = try await ByteModel(Self.bytes, pruning: .none).startDecoding(.completion("a"))
        func possible(_ logits: Logits) -> [Int] { (0...256).filter { logits.values[$0] > -.infinity } }
        #expect(possible(start.logits) == Array(0x00...0x7F) + Array(0xC2...0xF4) + [256])
        for (bytes, next) in [
            ([0xE0], 0xA0...0xBF), ([0xED], 0x80...0x9F), ([0xE1], 0x80...0xBF), ([0xF0], 0x90...0xBF),
            ([0xF4], 0x80...0x8F), ([0xF4, 0x80], 0x80...0xBF), ([0xC2], 0x80...0xBF),
            ([0xF1, 0x80, 0x80], 0x80...0xBF),
        ] as [([TokenID], ClosedRange<Int>)] {
            let decoder = try await start.decoder.fork()
            let rows = try await decoder.append(bytes, logits: .all)
            #expect(possible(rows[rows.count - 1]) == Array(next), "\(bytes)")
            let sum = rows[0].values.reduce(0) { $0 + exp(Double($1)) }
            #expect(abs(sum - 1) < 1e-5)
        }
    }

    @Test("drawn answers never have half a character, wherever they end", arguments: 0..<20 as Range<UInt64>)
    func answers(_ seed: UInt64) async throws {
        let fused = FuseBytes(seed % 2 == 0 ? .mixture : .productOfExperts) {
            Self.bytes
            ToyModel("halves", ToyTokenizer(bytes: (0...255).map { [$0] })) { _ in
                (0...256).map { (0x80...0xF4).contains($0) ? 2 : 0 }
            }
        }
        for limit in 1...12 {
            let options = GenerationOptions(maximumTokens: limit, sampling: .temperature(1), seed: seed)
            let pieces = Pieces()
            let response = try await fused.respond(to: .completion("a", options: options), into: pieces.sink)
            #expect(!response.text.contains("\u{FFFD}"), "\(response.text.debugDescription)")
            #expect(await pieces.all.joined() == response.text)
        }
    }

    @Test("a member that cannot spell the rest of a character is named")
    func unspellable() async throws {
        let poor = ToyModel("poor", ToyTokenizer(bytes: [[0xC3], [0x61]]), always: [2, 0, 0])
        let error = await #expect(throws: CollabError.self) {
            try await ByteModel(poor).respond(to: .completion("a"))
        }
        #expect(error?.code == .nothingToSample && error?.message.contains("“poor”") == true)
    }
}

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif
