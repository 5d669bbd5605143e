import Foundation

/// Token ids that other implementations found for the two real models; see the READMEs beside the files.
enum TokenGoldens {
    struct Engine: Decodable {
        struct Case: Decodable {
            var id: String
            var prompt: String
            var idsSpecialOff: [Int32]
            var idsSpecialOn: [Int32]
            var idsNoBosSpecialOff: [Int32]
            var greedyIds: [Int32]
            var greedyText: String
            var greedyBytesHex: String?
        }

        struct Sample: Decodable {
            var text: String
            var off: [Int32]
            var on: [Int32]?
            var roundTrip: String?
        }

        var cases: [Case]
        var tokenizer: [Sample]
    }

    struct Logit: Decodable {
        struct Prompt: Decodable {
            var name: String
            var text: String
            var parseSpecial: Bool
            var ids: [Int32]
        }

        var prompts: [Prompt]
    }

    static func engine(_ model: RealModel) throws -> Engine {
        try decode("engine/" + (model == .smolLM2 ? "smollm2-135m-instruct-q4_1" : "gemma-3-270m-q4_k_m"))
    }

    static func logit(_ model: RealModel) throws -> Logit {
        try decode("logit/" + (model == .smolLM2 ? "smollm2-tokens" : "gemma3-tokens"))
    }

    private static func decode<Value: Decodable>(_ name: String) throws -> Value {
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        return try decoder.decode(Value.self, from: Data(contentsOf: fixture("goldens/\(name).json")))
    }
}

/// A file of the test target's fixtures.
func fixture(_ name: String) -> URL {
    Bundle.module.resourceURL!.appendingPathComponent("Fixtures/" + name)
}
