"""The keys that KIS documents for the answers we read; whatever else arrives is drift (K-13).

Source: kis-wire sections 4.1, 4.5, 4.11, 4.13, 5.1, 5.6, 5.7.
"""


def _keys(text: str) -> frozenset[str]:
    return frozenset(text.split())


DOCUMENTED: dict[tuple[str, str], frozenset[str]] = {
    ("inquire-price", "output"): _keys(
        """
        acml_tr_pbmn acml_vol apprch_rate aspr_unit bps bstp_kor_isnm clpr_rang_cont_yn cpfn
        cpfn_cnnm crdt_able_yn d250_hgpr d250_hgpr_date d250_hgpr_vrss_prpr_rate d250_lwpr
        d250_lwpr_date d250_lwpr_vrss_prpr_rate dmrs_val dmsp_val dryy_hgpr_date
        dryy_hgpr_vrss_prpr_rate dryy_lwpr_date dryy_lwpr_vrss_prpr_rate elw_pblc_yn eps
        fcam_cnnm frgn_hldn_qty frgn_ntby_qty grmn_rate_cls_code hts_avls
        hts_deal_qty_unit_val hts_frgn_ehrt invt_caful_yn iscd_stat_cls_code
        last_ssts_cntg_qty lstn_stcn mang_issu_cls_code marg_rate mrkt_warn_cls_code
        new_hgpr_lwpr_cls_code oprc_rang_cont_yn ovtm_vi_cls_code pbr per pgtr_ntby_qty
        prdy_ctrt prdy_vrss prdy_vrss_sign prdy_vrss_vol_rate pvt_frst_dmrs_prc
        pvt_frst_dmsp_prc pvt_pont_val pvt_scnd_dmrs_prc pvt_scnd_dmsp_prc
        rprs_mrkt_kor_name rstc_wdth_prc short_over_yn sltr_yn ssts_yn stac_month
        stck_dryy_hgpr stck_dryy_lwpr stck_fcam stck_hgpr stck_llam stck_lwpr stck_mxpr
        stck_oprc stck_prpr stck_sdpr stck_shrn_iscd stck_sspr temp_stop_yn vi_cls_code
        vol_tnrt w52_hgpr w52_hgpr_date w52_hgpr_vrss_prpr_ctrt w52_lwpr w52_lwpr_date
        w52_lwpr_vrss_prpr_ctrt wghn_avrg_stck_prc whol_loan_rmnd_rate
        """
    ),
    ("intstock-multprice", "output"): _keys(
        """
        acml_tr_pbmn acml_vol hour_cls_code inter2_askp inter2_bidp inter2_hgpr inter2_llam
        inter2_lwpr inter2_mxpr inter2_oprc inter2_prdy_clpr inter2_prdy_vrss inter2_prpr
        inter2_sdpr inter_kor_isnm inter_shrn_iscd intr_antc_cntg_prdy_ctrt
        intr_antc_cntg_vrss intr_antc_cntg_vrss_sign intr_antc_vol kospi_kosdaq_cls_name
        mrkt_trtm_cls_name oprc_vrss_hgpr_rate prdy_ctrt prdy_vrss_sign seln_rsqn shnu_rsqn
        total_askp_rsqn total_bidp_rsqn
        """
    ),
    ("inquire-daily-itemchartprice", "output1"): _keys(
        """
        acml_tr_pbmn acml_vol askp bidp cpfn eps hts_avls hts_kor_isnm
        itewhol_loan_rmnd_ratem lstn_stcn pbr per prdy_ctrt prdy_vol prdy_vrss
        prdy_vrss_sign prdy_vrss_vol stck_fcam stck_hgpr stck_llam stck_lwpr stck_mxpr
        stck_oprc stck_prdy_clpr stck_prdy_hgpr stck_prdy_lwpr stck_prdy_oprc stck_prpr
        stck_shrn_iscd vol_tnrt
        """
    ),
    ("inquire-daily-itemchartprice", "output2"): _keys(
        """
        acml_tr_pbmn acml_vol flng_cls_code mod_yn prdy_vrss prdy_vrss_sign prtt_rate
        revl_issu_reas stck_bsop_date stck_clpr stck_hgpr stck_lwpr stck_oprc
        """
    ),
    ("search-stock-info", "output"): _keys(
        """
        admn_item_yn bfdy_clpr clpr_chng_dt cpta cptt_trad_tr_psbl_yn crfd_item_yn
        dpsi_aptm_erlm_yn dpsi_erlm_cncl_dt elec_scty_yn etf_chas_erng_rt_dbnb etf_cu_qty
        etf_dvsn_cd etf_etn_ivst_heed_item_yn etf_txtn_type_cd etf_type_cd excg_dvsn_cd
        frbd_mket_lstg_abol_dt frbd_mket_lstg_dt frnr_psnl_lmt_rt idx_bztp_lcls_cd
        idx_bztp_lcls_cd_name idx_bztp_mcls_cd idx_bztp_mcls_cd_name idx_bztp_scls_cd
        idx_bztp_scls_cd_name issu_istt_cd issu_pric kosdaq_mket_lstg_abol_dt
        kosdaq_mket_lstg_dt kospi200_item_yn lstg_abol_dt lstg_cptl_amt
        lstg_rqsr_issu_istt_cd lstg_rqsr_item_cd lstg_stqt mfnd_end_dt mfnd_opng_dt
        mket_id_cd nwst_odst_dvsn_cd nxt_tr_stop_yn ocr_no oilf_fund_yn papr pdno
        prdt_abrv_name prdt_eng_abrv_name prdt_eng_name prdt_eng_name120 prdt_name
        prdt_name120 prdt_type_cd reits_kind_cd sbst_pric scts_mket_lstg_abol_dt
        scts_mket_lstg_dt scty_grp_id_cd setl_mmdd stck_kind_cd std_idst_clsf_cd
        std_idst_clsf_cd_name std_pdno stln_int_rt_dvsn_cd thco_sbst_pric
        thco_sbst_pric_chng_dt thdt_clpr tr_stop_yn trst_istt_issu_istt_cd
        """
    ),
    ("inquire-daily-ccld", "output1"): _keys(
        """
        avg_prvs ccld_cndt_name cnc_cfrm_qty cncl_cfrm_qty cncl_yn
        cpbc_ordp_infm_mthd_dvsn_cd cpbc_ordp_mtrl_dvsn_cd cpbc_ordp_ord_rcit_dvsn_cd
        ctac_tlno excg_dvsn_cd excg_id_dvsn_cd infm_tmd inqr_ip_addr loan_dt odno ord_dt
        ord_dvsn_cd ord_dvsn_name ord_gno_brno ord_orgno ord_qty ord_tmd ord_unpr ordr_empno
        orgn_odno pdno prdt_name prdt_type_cd rjct_qty rmn_qty rsvn_ord_end_dt
        sll_buy_dvsn_cd sll_buy_dvsn_cd_name stpm_cndt_pric stpm_efct_occr_dtmd tot_ccld_amt
        tot_ccld_qty
        """
    ),
    ("inquire-balance", "output1"): _keys(
        """
        bfdy_buy_qty bfdy_cprs_icdc bfdy_sll_qty evlu_amt evlu_erng_rt evlu_pfls_amt
        evlu_pfls_rt expd_dt fltt_rt grta_rt_name hldg_qty item_mgna_rt_name loan_amt
        loan_dt ord_psbl_qty pchs_amt pchs_avg_pric pdno prdt_name prpr sbst_pric
        stck_loan_unpr stln_slng_chgs thdt_buyqty thdt_sll_qty trad_dvsn_name
        """
    ),
    ("inquire-balance", "output2"): _keys(
        """
        asst_icdc_amt asst_icdc_erng_rt bfdy_buy_amt bfdy_sll_amt bfdy_tlex_amt
        bfdy_tot_asst_evlu_amt cma_evlu_amt d2_auto_rdpt_amt dnca_tot_amt evlu_amt_smtl_amt
        evlu_pfls_smtl_amt fncg_gld_auto_rdpt_yn nass_amt nxdy_auto_rdpt_amt nxdy_excc_amt
        pchs_amt_smtl_amt prvs_rcdl_excc_amt scts_evlu_amt thdt_buy_amt thdt_sll_amt
        thdt_tlex_amt tot_evlu_amt tot_loan_amt tot_stln_slng_chgs
        """
    ),
    ("order", "output"): _keys(
        """
        krx_fwdg_ord_orgno odno ord_tmd
        """
    ),
}
