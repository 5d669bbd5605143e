/// A question, and what one should know about it before reading the answer.
struct OwnQuestion {
    let text: String
    /// The right answer, where it is known, in the spellings that count; the quickstart says whether it was found.
    let expected: [String]

    init(_ text: String, expected: String...) {
        self.text = text
        self.expected = expected
    }
}

/// What the quickstart asks when it is not asked anything: some of it within the reach of such small models, some not.
let ownQuestions = [
    OwnQuestion("What is the capital of France?", expected: "Paris"),
    OwnQuestion("What is 6 times 7?", expected: "42"),
    OwnQuestion("Which planet is known as the Red Planet?", expected: "Mars"),
    OwnQuestion("What is the capital of Australia?", expected: "Canberra"),
    OwnQuestion("What is 40 + 27?", expected: "67"),
    OwnQuestion("How many legs does a spider have?", expected: "8", "eight"),
]
