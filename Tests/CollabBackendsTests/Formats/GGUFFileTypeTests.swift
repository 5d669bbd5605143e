import Collab
import Testing

@testable import CollabBackends

@Suite("What a GGUF file says of its format")
struct GGUFFileTypeTests {
    /// llama.cpp's `LLAMA_FTYPE_MOSTLY_…`; of K-quants the kinds named S, which have one format throughout.
    private static let types: [GGUFQuantisation: Int] = [
        .f32: 0, .f16: 1, .q4_0: 2, .q4_1: 3, .q8_0: 7, .q5_0: 8, .q5_1: 9, .q4_K: 14, .q5_K: 16, .q6_K: 18,
        .bf16: 32,
    ]

    @Test("is llama.cpp's number of the kind", arguments: GGUFQuantisation.allCases)
    func fileType(_ kind: GGUFQuantisation) throws {
        let folder = try TemporaryFolder()
        let model = try TinyModels.checkpoint("llama")
        try GGUFFile.save(model, to: folder.path("model.gguf"), as: kind)
        let metadata = try GGUFCheckpoint(path: folder.path("model.gguf")).file.metadata
        #expect(try metadata.integer("general.file_type") == Self.types[kind])
    }
}
