import Collab
import CollabRouting
import Foundation
import Testing

@Suite("Semantic routes in a file")
struct SemanticFilesTests {
    private static let routes = [
        SemanticRoute("sums", threshold: 0.2, examples: ["What is 3 + 4?", "How much is 9 · 8?"]),
        SemanticRoute("facts", threshold: 0.1, examples: ["Who wrote “Faust”?\nAnd when?"]),
    ]
    private static let candidates = ["facts", "sums"].map { RouteCandidate(name: $0) }
    private let folder = NSTemporaryDirectory() + "routes-\(UUID().uuidString)"

    private func expectSame(_ router: SemanticRouter, _ loaded: SemanticRouter) async throws {
        #expect(loaded.routes == router.routes)
        #expect(loaded.nearest == router.nearest && loaded.aggregation == router.aggregation)
        for question in ["What is 6 + 9?", "Who wrote Hamlet?", "Жизнь прекрасна"] {
            let before = try await router.route(Request(question), among: Self.candidates)
            #expect(try await loaded.route(Request(question), among: Self.candidates) == before)
        }
    }

    @Test("keep thresholds, examples and facts, and decide as before")
    func words() async throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let features = NGramFeatures(words: 1...1, characters: 2...4, buckets: 1 << 12)
        let (router, _) = try await SemanticRouter(
            Self.routes,
            nearest: 1,
            aggregation: .highest,
            features: features
        ).fitted(to: [.init("What is 1 + 1?", route: "sums"), .init("Who are you?", route: nil)])
        try router.save(to: folder, facts: ["date": "2026-11-27"])
        let loaded = try await SemanticRouter(contentsOf: folder)
        try await expectSame(router, loaded)
        #expect(loaded.features == features)
        #expect(loaded.facts["labels"] == "2" && loaded.facts["date"] == "2026-11-27")
        #expect(loaded.facts["accuracy on them"] != nil)
        // It is no learned router, and says so.
        let error = #expect(throws: CollabError.self) { try LearnedRouter(contentsOf: folder) }
        #expect(error?.code == .unsupported && error?.message.contains("SemanticRouter") == true)
    }

    @Test("are embedded anew by the model that they were made with, and by no other")
    func embeddings() async throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let model = NGramEmbedding(dimension: 64)
        let router = try await SemanticRouter(Self.routes, embeddedBy: model)
        try router.save(to: folder)
        try await expectSame(router, try await SemanticRouter(contentsOf: folder, embeddedBy: model))
        for wrong in [nil, NGramEmbedding(dimension: 32)] as [NGramEmbedding?] {
            let error = await #expect(throws: CollabError.self) {
                try await SemanticRouter(contentsOf: folder, embeddedBy: wrong)
            }
            #expect(error?.code == .invalidRequest)
        }
    }

    @Test(
        "that are no routes are refused",
        arguments: [
            "{}", #"{"format":"collab-router","version":2,"method":"semantic"}"#,
            #"{"format":"collab-router","version":1,"method":"linear"}"#,
            #"{"format":"collab-router","version":1,"method":"semantic","routes":[]}"#,
            #"{"format":"collab-router","version":1,"method":"semantic","routes":[{"name":"a"}]}"#,
            #"{"format":"collab-router","version":1,"method":"semantic","routes":[{"name":"a","threshold":0,"examples":[7]}]}"#,
            #"{"format":"collab-router","version":1,"method":"semantic","nearest":1,"aggregation":"mean","features":{"kind":"ngrams","words":[9,1],"buckets":8},"routes":[{"name":"a","threshold":0,"examples":["b"]}]}"#,
            #"{"format":"collab-router","version":1,"method":"semantic","nearest":0,"aggregation":"mean","features":{"kind":"ngrams","words":[1,1],"buckets":8},"routes":[{"name":"a","threshold":0,"examples":["b"]}]}"#,
        ]
    )
    func refused(_ text: String) async throws {
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try Data(text.utf8).write(to: URL(fileURLWithPath: folder + "/router.json"))
        let error = await #expect(throws: CollabError.self) { try await SemanticRouter(contentsOf: folder) }
        #expect(error?.code == .malformedFile || error?.code == .unsupported)
    }

    @Test("with a threshold that is no number are not saved")
    func infinite() throws {
        let router = SemanticRouter([SemanticRoute("a", threshold: .infinity, examples: ["b"])])
        let error = #expect(throws: CollabError.self) { try router.save(to: folder) }
        #expect(error?.code == .notFinite)
        #expect(!FileManager.default.fileExists(atPath: folder))
    }
}
