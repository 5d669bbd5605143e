import Foundation
import Testing

@Suite("inspect")
struct InspectTests {
    @Test("a GGUF file is shown with its metadata, tensors and vocabulary")
    func gguf() throws {
        let result = try inspect(try modelPath("SmolLM2-135M-Instruct.Q4_1.gguf"))
        #expect(result.status == 0 && result.errors.isEmpty)
        for line in [
            "architecture  llama", "134,515,008", "Metadata  33 keys", "llama.block_count", "string[49,152]",
            "Types  272 tensors", "blk.*.attn_q.weight", "* = 0–29", "49152 × 576",
            "Vocabulary  49,152 tokens",
            "49,135 normal, 17 control", "“<|im_end|>” (2)", "chat template  368 characters",
        ] {
            #expect(result.output.contains(line), "\(line)")
        }
        #expect(!result.output.contains("\u{1B}"), "no colours where nobody sees them")
    }

    @Test("every tensor is listed when asked for")
    func all() throws {
        let result = try inspect("--all", try modelPath("gemma-3-270m-q4_k_m.gguf"))
        #expect(result.status == 0 && result.output.contains("blk.17.attn_v.weight"))
    }

    @Test("a folder of safetensors is shown with its configuration")
    func safetensors() throws {
        let result = try inspect(try modelPath("all-MiniLM-L6-v2"))
        #expect(result.status == 0 && result.output.contains("architecture  bert"))
        #expect(result.output.contains("hidden_size") && result.output.contains("30522 × 384"))
    }

    @Test("a bad file is one clear line and exit status 1")
    func bad() throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent(
            "collab-\(UUID().uuidString)"
        )
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let whole = try FileHandle(
            forReadingFrom: URL(fileURLWithPath: modelPath("gemma-3-270m-q4_k_m.gguf"))
        )
        let cut = folder.appendingPathComponent("cut.gguf")
        try (try whole.read(upToCount: 1 << 20) ?? Data()).write(to: cut)
        let text = folder.appendingPathComponent("notes.txt")
        try Data("hello".utf8).write(to: text)
        for (path, part) in [
            (cut.path, "at byte "), (text.path, "neither"), (folder.path, "model.safetensors"),
            (folder.path + "/none.gguf", "no file"),
        ] {
            let result = try inspect(path)
            #expect(result.status == 1 && result.output.isEmpty)
            #expect(result.errors.hasPrefix("inspect: ") && result.errors.split(separator: "\n").count == 1)
            #expect(result.errors.contains(part), "\(result.errors)")
        }
    }

    @Test("a wrong checksum is named")
    func checksum() throws {
        let path = try modelPath("SmolLM2-135M-Instruct.Q4_1.gguf")
        let result = try inspect("--sha256", String(repeating: "0", count: 64), path)
        #expect(result.status == 1 && result.errors.contains("b179c9523d0e6a0f98a330c7562b682750a6f8c8"))
    }

    @Test("a batch of prompts is answered line by line")
    func batch() throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent(
            "collab-\(UUID().uuidString)"
        )
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let model = try modelPath("SmolLM2-135M-Instruct.Q4_1.gguf")
        let file = folder.appendingPathComponent("prompts.jsonl")
        let lines = [
            #"{"id": "a", "prompt": "The capital of France is", "greedy": 1, "top": 2}"#, "",
            #"{"id": 7, "prompt": "<|im_start|>", "parseSpecial": true}"#, #"{"prompt": "<|im_start|>"}"#,
        ]
        try Data(lines.joined(separator: "\n").utf8).write(to: file)
        let result = try inspect("--batch", file.path, model)
        #expect(result.status == 0, "\(result.errors)")
        let answers = try result.output.split(separator: "\n").map {
            try #require(try JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any])
        }
        #expect(answers.count == 3)
        #expect(
            answers[0]["id"] as? String == "a" && answers[0]["ids"] as? [Int] == [504, 3575, 282, 4649, 314]
        )
        #expect(answers[0]["greedyText"] as? String == " Paris")
        let top = try #require(answers[0]["top"] as? [[String: Any]])
        let logits = top.compactMap { $0["logit"] as? Double }
        let greedy = try #require(answers[0]["greedyIDs"] as? [Int])
        #expect(top.count == 2 && top[0]["id"] as? Int == greedy[0] && logits[0] > logits[1])
        #expect(try #require(answers[0]["logsumexp"] as? Double) > logits[0])
        // The name of a control token is one token where it is asked for, and text where it is not.
        #expect(answers[1]["id"] as? Int == 7 && answers[1]["ids"] as? [Int] == [1])
        #expect((answers[2]["ids"] as? [Int])?.count ?? 0 > 1 && answers[2]["id"] is NSNull)

        // After a prompt of no tokens there are no numbers, which is no reason to stop.
        try Data((#"{"prompt": ""}"# + "\n" + lines[0]).utf8).write(to: file)
        let empty = try inspect("--batch", file.path, model)
        #expect(empty.status == 0 && empty.output.split(separator: "\n").count == 2)

        for bad in [#"{"id": 1}"#, "{", #"{"prompt": "a", "greedy": -1}"#] {
            try Data((lines[0] + "\n" + bad).utf8).write(to: file)
            let result = try inspect("--batch", file.path, model)
            #expect(result.status == 1 && result.errors.contains("line 2: "), "\(bad): \(result.errors)")
            #expect(result.errors.split(separator: "\n").count == 1)
        }
    }

    @Test("perplexity is printed")
    func perplexity() throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent(
            "collab-\(UUID().uuidString)"
        )
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let model = try modelPath("SmolLM2-135M-Instruct.Q4_1.gguf")
        let file = folder.appendingPathComponent("text.txt")
        try Data("The cat sat on the mat. The cat sat on the mat. The cat sat on the mat.".utf8).write(
            to: file
        )
        let result = try inspect("--perplexity", file.path, model)
        #expect(
            result.status == 0 && result.output.contains("tokens      21"),
            "\(result.output)\(result.errors)"
        )
        try Data("a".utf8).write(to: file)
        #expect(try inspect("--perplexity", file.path, model).status == 1, "nothing can be scored")
        #expect(try inspect("--perplexity", file.path + ".none", model).errors.contains("no file"))
        let folderOfWeights = try modelPath("all-MiniLM-L6-v2")
        let encoder = try inspect("--perplexity", file.path, folderOfWeights)
        #expect(encoder.errors.contains("“bert”; known here: llama"))
    }

    private func inspect(_ arguments: String...) throws -> (status: Int32, output: String, errors: String) {
        let process = Process()
        let (output, errors) = (Pipe(), Pipe())
        process.executableURL = products.appendingPathComponent("inspect")
        process.arguments = arguments
        process.standardOutput = output
        process.standardError = errors
        try process.run()
        let text = output.fileHandleForReading.readDataToEndOfFile()
        let messages = errors.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        return (
            process.terminationStatus, String(decoding: text, as: UTF8.self),
            String(decoding: messages, as: UTF8.self)
        )
    }

    /// The folder that the package's products were built into.
    private var products: URL {
        #if os(macOS)
            let bundle = Bundle.allBundles.first { $0.bundlePath.hasSuffix(".xctest") }
            return bundle?.bundleURL.deletingLastPathComponent() ?? Bundle.main.bundleURL
        #else
            return Bundle.main.bundleURL
        #endif
    }

    private func modelPath(_ name: String) throws -> String {
        let environment = ProcessInfo.processInfo.environment
        let home = environment["HOME"] ?? NSHomeDirectory()
        #if os(macOS)
            let cache = home + "/Library/Caches"
        #else
            let cache = environment["XDG_CACHE_HOME"].flatMap { $0.isEmpty ? nil : $0 } ?? home + "/.cache"
        #endif
        let path = (environment["COLLAB_MODELS"] ?? cache + "/collab/models") + "/" + name
        try #require(
            FileManager.default.fileExists(atPath: path),
            "\(path) is missing; `make models` fetches it."
        )
        return path
    }
}
