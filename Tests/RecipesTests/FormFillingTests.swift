import Collab
import CollabBackends
import CollabTesting
import Foundation
import Recipes
import Testing

@Suite("Recipe: filling in a form")
struct FormFillingTests {
    @Test("Whatever the model would rather say, the answer is a form")
    func alwaysAForm() async throws {
        // It likes to chat, and to repeat itself.
        let chatter = ScriptedLogitModel(
            "chatter",
            vocabulary: [
                "Sure! ", "{", "\"", "wish", "product", "quantity", ": ", ", ", "order", "tea", "tea ", "1",
                "}",
            ]
        ) { text in
            ["Sure! ": 0.5, "tea ": 0.3, "\"": 0.1, "order": 0.05, "1": 0.01, "tea": 0.01].merging(
                [
                    "{": 0.01, "wish": 0.01, "product": 0.01, "quantity": 0.005, ": ": 0.01, ", ": 0.004,
                    "}": 0.008, ScriptedLogitModel.end: 0.001,
                ]
            ) { first, _ in first }
        }
        let form = try await orderForm(of: "Tea!", by: chatter)
        #expect(form.value.wish == .order)
        #expect((1...40).contains(form.value.product.count))
        #expect(form.response.text.hasPrefix(#"{"wish": "order", "product": ""#))
    }

    @Test("A model of 135 million parameters reads orders")
    func realModel() async throws {
        let models = ProcessInfo.processInfo.environment["COLLAB_MODELS"] ?? Self.cache
        let path = models + "/SmolLM2-135M-Instruct.Q4_1.gguf"
        try #require(FileManager.default.fileExists(atPath: path), "`make test` fetches the model once.")
        let model = try await NativeModel(contentsOf: path, options: NativeOptions(threads: 2))
        let form = try await orderForm(of: "Hi, I would like to buy 5 red chairs.", by: model).value
        // What so small a model makes of it is a form, about a chair, and not always a complete one.
        #expect(form.wish == .order)
        #expect(form.product.contains("chair"))
    }

    private static var cache: String {
        let environment = ProcessInfo.processInfo.environment
        let home = environment["HOME"] ?? NSHomeDirectory()
        #if os(macOS)
            return home + "/Library/Caches/collab/models"
        #else
            return (environment["XDG_CACHE_HOME"].flatMap { $0.isEmpty ? nil : $0 } ?? home + "/.cache")
                + "/collab/models"
        #endif
    }
}
