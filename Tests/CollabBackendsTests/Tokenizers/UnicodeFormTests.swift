import Foundation
import Testing

@testable import CollabBackends

@Suite("Normalisation forms")
struct UnicodeFormTests {
    /// The expectations are those of Python's `unicodedata`; see `Scripts/make_decompositions.py`.
    @Test(
        "Every character of Unicode 14 between others becomes what the standard says",
        arguments: UnicodeForm.allCases
    )
    func everyCharacter(form: UnicodeForm) throws {
        let lines = try String(contentsOf: fixture("normalisation.txt"), encoding: .utf8).split(
            separator: "\n"
        )
        .map { $0.split(separator: " ") }.filter { $0[0] == form.rawValue }
        #expect(lines.count == 192)
        for line in lines {
            let block = try #require(UInt32(line[1], radix: 16))
            var output: [UInt8] = []
            for value in block..<(block + 1024) {
                guard let scalar = Unicode.Scalar(value), let age = scalar.properties.age, age.major <= 14,
                    scalar.properties.generalCategory != .privateUse,
                    !scalar.properties.isNoncharacterCodePoint
                else { continue }
                var bytes = Array(("q\(scalar)\u{323}\u{301}\(scalar)a").utf8)
                form.apply(to: &bytes)
                output += bytes
            }
            #expect(TokenizerFileTests.hash(output) == line[2], "\(form) in the block \(line[1])")
        }
    }

    @Test("Long runs of marks are put in order in little time")
    func manyMarks() {
        var bytes = Array(("a" + String(repeating: "\u{301}\u{323}", count: 50_000)).utf8)
        UnicodeForm.nfd.apply(to: &bytes)
        let expected =
            "a" + String(repeating: "\u{323}", count: 50_000) + String(repeating: "\u{301}", count: 50_000)
        #expect(bytes == Array(expected.utf8))
    }
}
