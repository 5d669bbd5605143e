import Collab
import Testing

@Suite("Text from the bytes of tokens")
struct TextAssemblerTests {
    @Test("A character whose bytes lie in several tokens appears with its last byte")
    func heldBack() {
        var assembler = TextAssembler()
        let bytes = Array("👋".utf8)
        #expect(assembler.append([0x48, bytes[0]]) == "H")
        #expect(assembler.append([bytes[1]]) == "")
        #expect(assembler.append([bytes[2]]) == "")
        #expect(assembler.pending.count == 3)
        #expect(assembler.append([bytes[3], 0x21]) == "👋!")
        #expect(assembler.finish() == "")
    }

    @Test(
        "What never becomes a character is replaced, at once where it cannot, at the end where it might have"
    )
    func replaced() {
        var assembler = TextAssembler()
        #expect(assembler.append([0xFF]) == "\u{FFFD}")
        #expect(assembler.append([0xED, 0xA0]) == "\u{FFFD}\u{FFFD}")
        #expect(assembler.append([0xE2, 0x82]) == "")
        #expect(assembler.finish() == "\u{FFFD}")
        #expect(assembler.append([0x41]) == "A")
    }

    @Test("However bytes are cut, the text is that of String(decoding:)", arguments: 0..<200)
    func anyCut(seed: UInt64) {
        var generator = SplitMix(state: seed)
        let alphabet: [UInt8] = [
            0x41, 0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC0, 0xC2, 0xDF, 0xE0, 0xE2, 0xED, 0xEF, 0xF0,
            0xF1,
            0xF4, 0xF5, 0xFF,
        ]
        let bytes = (0..<40).map { _ in alphabet[Int(generator.next() % UInt64(alphabet.count))] }
        var assembler = TextAssembler()
        var text: [Unicode.Scalar] = []
        var start = 0
        while start < bytes.count {
            let end = min(bytes.count, start + Int(generator.next() % 4))
            text += assembler.append(bytes[start..<end]).unicodeScalars
            start = end
        }
        text += assembler.finish().unicodeScalars
        #expect(text == Array(String(decoding: bytes, as: UTF8.self).unicodeScalars))
    }
}

/// A small generator with a seed.
struct SplitMix: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = (state ^ (state >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
