import Collab
import Testing

@Suite("Reading an answer")
struct AnswerTests {
    @Test("that is a number", arguments: AnswerGoldens.numeric)
    func numeric(golden: AnswerGolden) {
        #expect(AnswerFormat.numeric.answer(in: golden.text).value == golden.expected)
    }

    @Test("that is a letter of a choice", arguments: AnswerGoldens.choice)
    func choice(golden: AnswerGolden) {
        #expect(AnswerFormat.choice("A"..."D").answer(in: golden.text).value == golden.expected)
    }

    @Test("that is yes or no", arguments: AnswerGoldens.yesNo)
    func yesNo(golden: AnswerGolden) {
        #expect(AnswerFormat.yesNo.answer(in: golden.text).value == golden.expected)
    }

    @Test("that is a label", arguments: AnswerGoldens.label)
    func label(golden: AnswerGolden) {
        let format = AnswerFormat.label("arithmetic", "facts", "other facts")
        #expect(format.answer(in: golden.text).value == golden.expected)
    }

    @Test(
        "that is a label of signs, or of words and signs",
        arguments: [
            ("C++", "C++"), ("C", "C"), ("It is written in C#.", "C#"), ("+", "+"), ("-", "-"), ("…", nil),
            ("C+", nil), ("u.s.", "U.S."), ("US", "US"), ("U S", nil),
        ] as [(String, String?)]
    )
    func signs(text: String, expected: String?) {
        let format = AnswerFormat.label("C", "C++", "C#", "+", "-", "US", "U.S.", "U, S")
        #expect(format.answer(in: text).value == expected)
    }

    @Test("that is any text", arguments: AnswerGoldens.freeText)
    func freeText(golden: AnswerGolden) {
        #expect(AnswerFormat.freeText.answer(in: golden.text).value == golden.expected)
    }

    @Test("can take per cents as fractions")
    func percent() {
        let format = AnswerFormat.numeric(percent: .fraction)
        #expect(format.answer(in: "50%") == format.answer(in: "1/2"))
        #expect(format.answer(in: "12.5 percent").value == "0.125")
    }

    @Test("in the way of one's own")
    func custom() {
        let format = AnswerFormat("the first word") { $0.split(separator: " ").first.map(String.init) }
        #expect(format.answer(in: "red green").value == "red")
        #expect(format.answer(in: "") == .unparsed)
    }

    @Test("neither crashes nor hangs on anything", arguments: 0..<40)
    func arbitrary(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        let alphabet = Array("0123456789.,-+/%$\\{}()[]^*eE ×½ABCyesno#:=\n\u{202f}’answer is boxed frac")
        for _ in 0..<50 {
            let length = Int(generator.next() % 40)
            let text = String(
                (0..<length).map { _ in alphabet[Int(generator.next() % UInt64(alphabet.count))] }
            )
            for format in [AnswerFormat.numeric, .choice("A"..."D"), .yesNo, .label("yes", "no"), .freeText] {
                _ = format.answer(in: text)
            }
        }
    }

    @Test(
        "is none where the exponent of a number cannot be held, rather than the number without it",
        arguments: ["1e500", "2^{300}", "4 \\times 10^{999}", "The answer is 3E-400."]
    )
    func exponents(text: String) {
        #expect(AnswerFormat.numeric.answer(in: text) == .unparsed)
    }

    @Test("goes by the last announcements of a model that repeats itself without end")
    func repetition() {
        let loop = String(repeating: "The answer is ", count: 1000)
        #expect(AnswerFormat.numeric.answer(in: loop) == .unparsed)
        #expect(AnswerFormat.numeric.answer(in: loop + "42").value == "42")
        #expect(AnswerFormat.choice("A"..."D").answer(in: loop + "B.").value == "B")
        #expect(AnswerFormat.yesNo.answer(in: loop) == .unparsed)
    }
}
