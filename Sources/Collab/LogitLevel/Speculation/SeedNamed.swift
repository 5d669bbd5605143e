/// A model whose random choices are drawn under another name than its own.
protocol SeedNamed {
    /// The name that the model would have if nothing guessed.
    var seedName: String { get }
}

/// The name under which a model's random choices are drawn.
func seedName(of model: some TextModel) -> String {
    (model as? any SeedNamed)?.seedName ?? model.name
}

extension SpeculativeModel: SeedNamed {
    var seedName: String { Collab.seedName(of: base) }
}

extension AlternatingModel: SeedNamed {
    var seedName: String { base.name }
}

extension ProcessedModel: SeedNamed {
    var seedName: String { "\(Collab.seedName(of: base)) with \(processor.name)" }
}

extension ConstrainedModel: SeedNamed {
    var seedName: String { processed.seedName }
}

extension ClassifiedModel: SeedNamed {
    var seedName: String { "\(Collab.seedName(of: base)) steered by \(classifier.name)" }
}

extension AdaptedModel: SeedNamed {
    var seedName: String { name == base.name ? Collab.seedName(of: base) : name }
}
