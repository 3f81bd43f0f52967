const BLOCK_BYTES: usize = 16;

/// Bytes that are looked for again and again.
///
/// They are compared a block at a time: short as they are, a call that compares any number of bytes takes longer.
pub(super) struct Token {
    /// Apart from the others, since most tokens have no more.
    first: Block,
    others: Box<[Block]>,
    length: usize,
}

struct Block {
    bytes: u128,
    /// The bytes of the block that count.
    mask: u128,
}

impl Token {
    pub(super) fn new(bytes: &[u8]) -> Self {
        let (first, others) = bytes.split_at(bytes.len().min(BLOCK_BYTES));
        Self {
            first: Block::new(first),
            others: others.chunks(BLOCK_BYTES).map(Block::new).collect(),
            length: bytes.len(),
        }
    }

    pub(super) fn len(&self) -> usize {
        self.length
    }

    /// Whether `text` begins with it. Not seen where the text ends within the token's last block.
    #[inline(always)]
    pub(super) fn is_seen_in(&self, text: &[u8]) -> bool {
        let Some((first, others)) = text.split_first_chunk() else { return false };
        self.first.is_seen_in(first) && (self.others.is_empty() || self.others_are_seen_in(others))
    }

    fn others_are_seen_in(&self, text: &[u8]) -> bool {
        let (blocks, _) = text.as_chunks();
        blocks.len() >= self.others.len() && self.others.iter().zip(blocks).all(|(block, text)| block.is_seen_in(text))
    }
}

impl Block {
    fn new(bytes: &[u8]) -> Self {
        let (mut block, mut mask) = ([0; BLOCK_BYTES], [0; BLOCK_BYTES]);
        block[..bytes.len()].copy_from_slice(bytes);
        mask[..bytes.len()].fill(u8::MAX);
        Self { bytes: u128::from_le_bytes(block), mask: u128::from_le_bytes(mask) }
    }

    #[inline(always)]
    fn is_seen_in(&self, text: &[u8; BLOCK_BYTES]) -> bool {
        u128::from_le_bytes(*text) & self.mask == self.bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_seen_with_a_block_of_text_behind_it_and_nowhere_else() {
        for length in 0..50 {
            let bytes: Vec<u8> = (b'A'..).take(length).collect();
            let token = Token::new(&bytes);
            assert_eq!(token.len(), length);
            let text = [bytes.as_slice(), &[b'!'; BLOCK_BYTES]].concat();
            assert!(token.is_seen_in(&text), "{length}");
            for place in 0..length {
                let mut text = text.clone();
                text[place] ^= 1;
                assert!(!token.is_seen_in(&text), "{length}, another byte at {place}");
                assert!(!token.is_seen_in(&text[..place]), "{length}, text of {place}");
            }
        }
    }
}
