import Foundation
import Testing

/// The goldens have no index, so the files are their own: every field is compared by a test or is named here as no result,
/// and a field that is new or gone fails. Tests go through all cases of a file, so a new case is compared by itself; one
/// that is gone is missed by its count.
@Suite("Everything that the logit level's goldens hold is put to use")
struct GoldenCoverageTests {
    /// What tests compare or compute from, by file; a star stands for names that are data.
    private static let used: [String: Set<String>] = [
        "byte-level.json": [
            "exact.*.prompt", "exact.*.steps.hypotheses", "exact.*.steps.log_prefix_prob",
            "exact.*.steps.prefix_hex", "exact.*.steps.stop_logprob", "exact.*.steps.top_bytes",
            "exact.*.steps.top_logprobs", "exact.*.trunk_ids", "fused.bytes_hex", "fused.forward_passes",
            "fused.kind", "fused.name", "fused.prompt", "fused.prune_relative", "fused.steps.byte",
            "fused.steps.component_logprobs", "fused.steps.hypotheses", "fused.steps.logprob",
            "fused.steps.margin", "fused.steps.top_bytes", "fused.steps.top_logprobs", "fused.text",
            "fused.weights", "vocab_overlap.frac_of_gemma3", "vocab_overlap.frac_of_smollm2",
            "vocab_overlap.gemma3_distinct", "vocab_overlap.shared", "vocab_overlap.shared_mass.*.*",
            "vocab_overlap.smollm2_distinct",
        ],
        "dequant.json": [
            "tensors.all.l2", "tensors.all.max", "tensors.all.min", "tensors.all.sum", "tensors.ggml_type",
            "tensors.model", "tensors.ne", "tensors.rows.*.dot_sin", "tensors.rows.*.first16",
            "tensors.rows.*.l2", "tensors.rows.*.last4", "tensors.rows.*.sum", "tensors.tensor",
        ],
        "gemma3-logits.json": logits, "smollm2-logits.json": logits,
        "gemma3-tokens.json": tokens,
        "smollm2-tokens.json": tokens.union(["prompts.messages.content", "prompts.messages.role"]),
        "smollm2-fused.json": [
            "cases.components", "cases.first_step.survivors", "cases.first_step.top_ids",
            "cases.first_step.top_logprobs", "cases.fusion.kind", "cases.fusion.mask.alpha",
            "cases.fusion.mask.p", "cases.fusion.mask.ref", "cases.fusion.mask.type", "cases.fusion.weights",
            "cases.greedy32_ids", "cases.greedy32_logprobs", "cases.greedy32_margins", "cases.min_margin",
            "cases.name", "cases.survivors_per_step", "cases.text", "components.*.ids", "components.*.text",
        ],
    ]

    private static let tokens: Set<String> = [
        "prompts.ids", "prompts.name", "prompts.parse_special", "prompts.text",
    ]

    private static let logits: Set<String> = [
        "cases.checks.l2", "cases.checks.logsumexp", "cases.checks.max", "cases.checks.mean",
        "cases.checks.min", "cases.checks.sum", "cases.first_ids", "cases.greedy32_ids",
        "cases.greedy32_margins", "cases.greedy32_min_margin", "cases.greedy32_text", "cases.last_ids",
        "cases.llama_cpp.kl_ref_to_llamacpp", "cases.llama_cpp.max_abs_diff", "cases.llama_cpp.top10_ids",
        "cases.llama_cpp.top10_logits", "cases.n_tokens", "cases.name", "cases.probe_ids",
        "cases.probe_logits", "cases.prompt_logprob_sum", "cases.prompt_token_logprobs", "cases.repeat",
        "cases.text_unit", "cases.top50_ids", "cases.top50_logits", "hidden_probe.layers.first8",
        "hidden_probe.layers.i", "hidden_probe.layers.l2", "hidden_probe.prompt", "vocab",
    ]

    /// What no implementation could be held to.
    private static let noResults: Set<String> = [
        // Words on the files, and where the models came from.
        "note", "model_file", "sha256", "hidden_probe.note", "hidden_probe.position", "cases.text_rule",
        "exact.*.pruning", "fused.components",
        // The rule in other words; its weights and mask are used.
        "cases.method", "cases.params.*",
        // How far other implementations were from each other.
        "fp32_vs_fp64_max_abs_logit_diff.*", "cases.llama_cpp.rms_diff",
        "cases.llama_cpp.greedy_agree_prefix",
    ]

    /// Objects whose keys are data.
    private static let maps: Set<String> = [
        "exact", "vocab_overlap.shared_mass", "vocab_overlap.shared_mass.*", "tensors.rows", "components",
        "cases.params", "fp32_vs_fp64_max_abs_logit_diff",
    ]

    @Test("every field of every file")
    func fields() throws {
        let folder = fixture("goldens/logit")
        let files = try FileManager.default.contentsOfDirectory(atPath: folder.path)
        #expect(Set(files.filter { $0.hasSuffix(".json") }) == Set(Self.used.keys))
        for (file, used) in Self.used {
            let found = fields(of: try content(file), at: "").subtracting(Self.noResults)
            #expect(found.subtracting(used).sorted() == [], "fields of \(file) that no test reads")
            #expect(used.subtracting(found).sorted() == [], "fields that \(file) has no longer")
        }
    }

    @Test("every case")
    func cases() throws {
        let counts = [
            ("smollm2-tokens.json", "prompts", 27), ("gemma3-tokens.json", "prompts", 24),
            ("smollm2-logits.json", "cases", 9), ("gemma3-logits.json", "cases", 9),
            ("smollm2-fused.json", "cases", 29), ("smollm2-fused.json", "components", 10),
            ("byte-level.json", "exact", 2), ("byte-level.json", "fused", 4), ("dequant.json", "tensors", 10),
        ]
        for (file, key, count) in counts {
            let value = (try content(file) as? [String: Any])?[key]
            let found = (value as? [Any])?.count ?? (value as? [String: Any])?.count
            #expect(found == count, "\(key) of \(file)")
        }
    }

    private func content(_ file: String) throws -> Any {
        try JSONSerialization.jsonObject(with: Data(contentsOf: fixture("goldens/logit/\(file)")))
    }

    /// The paths of all values that hold no objects.
    private func fields(of value: Any, at path: String) -> Set<String> {
        if let object = value as? [String: Any] {
            return object.reduce(into: []) { fields, entry in
                let key = Self.maps.contains(path) ? "*" : entry.key
                fields.formUnion(self.fields(of: entry.value, at: path.isEmpty ? key : path + "." + key))
            }
        }
        guard let list = value as? [Any], list.contains(where: { $0 is [String: Any] }) else { return [path] }
        return list.reduce(into: []) { $0.formUnion(fields(of: $1, at: path)) }
    }
}
