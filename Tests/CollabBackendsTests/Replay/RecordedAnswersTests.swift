import Collab
import CollabBackends
import Foundation
import Testing

@Suite("Recorded answers")
struct RecordedAnswersTests {
    private func file(_ text: String, _ ending: String = "jsonl") throws -> String {
        let path = FileManager.default.temporaryDirectory.appending(path: "answers-\(UUID()).\(ending)").path
        try Data(text.utf8).write(to: URL(filePath: path))
        return path
    }

    private func ask(_ model: RecordedModel, _ question: String, sample: Int = 0) async throws -> String {
        try await model.respond(to: Request(.dialogue([.user(question)]), sample: sample)).text
    }

    @Test("in columns by model are what each model said to each question")
    func perModel() async throws {
        let path = try file(
            """
            {"question": "1 + 1?", "large": {"solution": "2"}, "small": {"solution": 3}}
            {"question": "2 + 2?", "large": {"solution": "4"}, "small": {"solution": "5"}}
            """
        )
        defer { try? FileManager.default.removeItem(atPath: path) }
        let answers = try RecordedAnswers(
            contentsOf: path,
            columns: .init(
                question: "question",
                answers: .perModel(["large": "large.solution", "small": "small.solution"])
            )
        )
        #expect(answers.questions == ["1 + 1?", "2 + 2?"])
        #expect(answers.models == ["large", "small"])
        #expect(try await ask(answers.model("large"), "2 + 2?") == "4")
        #expect(try await ask(answers.model("small"), "1 + 1?") == "3")
        let miss = await #expect(throws: CollabError.self) { try await ask(answers.model("large"), "3 + 3?") }
        #expect(miss?.code == .replayMiss)
        let sample = await #expect(throws: CollabError.self) {
            try await ask(answers.model("large"), "1 + 1?", sample: 1)
        }
        #expect(sample?.code == .replayMiss)
    }

    @Test("in a list are the samples of one question, in order")
    func samples() async throws {
        let path = try file(#"{"question": "?", "response_list": ["a", "b", "c"]}"#)
        defer { try? FileManager.default.removeItem(atPath: path) }
        let answers = try RecordedAnswers(
            contentsOf: path,
            columns: .init(question: "question", answers: .perModel(["m": "response_list"]))
        )
        #expect(try await ask(answers.model("m"), "?", sample: 2) == "c")
    }

    @Test("in comma-separated rows may hold commas, quotes and line ends")
    func commaSeparated() async throws {
        let path = try file(
            "model,question,answer,k\r\nm,\"What, \"\"this\"\"?\",\"two\nlines\",1\r\nm,\"What, \"\"this\"\"?\",first,0\r\n",
            "csv"
        )
        defer { try? FileManager.default.removeItem(atPath: path) }
        let answers = try RecordedAnswers(
            contentsOf: path,
            columns: .init(
                question: "question",
                answers: .perRow(column: "answer", model: "model"),
                sample: "k"
            )
        )
        #expect(answers.questions == ["What, \"this\"?"])
        #expect(try await ask(answers.model("m"), "What, \"this\"?", sample: 0) == "first")
        #expect(try await ask(answers.model("m"), "What, \"this\"?", sample: 1) == "two\nlines")
    }

    @Test(
        "that are not what they should be are an error that names the row",
        arguments: [
            ("{\"question\": \"?\"}", "jsonl", "Row 1"),
            ("{\"question\": \"?\", \"a\": \"x\"}\n{nonsense", "jsonl", "Line 2"),
            ("{\"question\": [], \"a\": \"x\"}", "jsonl", "an array"),
            ("question,a\n?,x,y\n", "csv", "Record 1"),
            ("question,a\n?,\"x", "csv", "within quotes"),
            ("question,question\n?,x", "csv", "twice"),
        ]
    )
    func malformed(text: String, ending: String, part: String) throws {
        let path = try file(text, ending)
        defer { try? FileManager.default.removeItem(atPath: path) }
        let error = #expect(throws: CollabError.self) {
            try RecordedAnswers(
                contentsOf: path,
                columns: .init(question: "question", answers: .perModel(["m": "a"]))
            )
        }
        #expect(error?.code == .malformedFile)
        #expect(error?.message.contains(part) == true, "\(error?.message ?? "")")
    }

    /// Where recorded answers of real models are, if they are there.
    static let data: String? = {
        guard let folder = ProcessInfo.processInfo.environment["COLLAB_DATA"] else { return nil }
        return FileManager.default.fileExists(atPath: folder + "/text/gsm8k") ? folder : nil
    }()

    @Test(
        "of four systems to 1,319 problems are read whole",
        .enabled(if: data != nil, "set COLLAB_DATA to a folder with text/gsm8k")
    )
    func gsm8k() async throws {
        let folder = try #require(Self.data)
        let answers = try RecordedAnswers(
            contentsOf: folder + "/text/gsm8k/example_model_solutions.jsonl",
            columns: .init(
                question: "question",
                answers: .perModel(["large": "175b_verification.solution", "small": "6b_finetuning.solution"])
            )
        )
        // Figures of OpenAI's grade-school-math: 1,319 problems, the best system solves 56.3 % of them.
        #expect(answers.questions.count == 1319)
        let verdicts = try RecordedAnswers(
            contentsOf: folder + "/text/gsm8k/example_model_solutions.jsonl",
            columns: .init(
                question: "question",
                answers: .perModel(["large": "175b_verification.is_correct"])
            )
        )
        var correct = 0
        for question in answers.questions {
            if try await ask(verdicts.model("large"), question) == "true" { correct += 1 }
        }
        #expect((Double(correct) / 1319 - 0.563).magnitude < 0.001)
    }
}
